//! Calls itself for ever.

#[allow(unconditional_recursion)]
#[inline(never)]
fn deeper(n: u64) -> u64 {
    let here = std::hint::black_box([n; 16]);
    deeper(here[3] + 1) + here[5]
}

sandgate_zoo::misbehaves!(|_, _| Err(sandgate_sdk::Error::new(deeper(0).to_string())));
