//! Takes memory and uses it, until there is none.

sandgate_zoo::misbehaves!(|_, _| {
    let mut hoard = Vec::new();
    loop {
        hoard.push(std::hint::black_box(vec![1_u8; 1 << 20]));
    }
});
