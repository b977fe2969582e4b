//! Asks the host the same thing over and over.

sandgate_zoo::misbehaves!(|context, _| loop {
    std::hint::black_box(context.failed());
});
