//! Computes for ever, asking the host something now and then.

sandgate_zoo::misbehaves!(|context, _| loop {
    std::hint::black_box((
        context.remaining(),
        (0..10_000_u64).map(std::hint::black_box).sum::<u64>(),
    ));
});
