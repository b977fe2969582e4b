//! Computes for ever, without a call that the host could refuse.

sandgate_zoo::misbehaves!(|_, _| loop {
    std::hint::black_box(());
});
