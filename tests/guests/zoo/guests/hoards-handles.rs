//! Makes resources in the host and keeps them all.

use wasip2::http::types::Fields;

sandgate_zoo::misbehaves!(|_, _| loop {
    let fields = Fields::new();
    for n in 0..4 {
        let name = format!("x-{n}");
        let _ = fields.append(&name, &vec![b'x'; 7 << 10]);
    }
    std::mem::forget(fields);
});
