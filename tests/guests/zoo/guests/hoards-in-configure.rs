//! Takes all memory in `configure`.

use sandgate_sdk::{Interceptor, Issues, NoSettings, export};

struct HoardsInConfigure;

impl Interceptor for HoardsInConfigure {
    type Settings = NoSettings;

    fn configure(_: NoSettings) -> Result<Self, Issues> {
        let mut hoard = Vec::new();
        loop {
            hoard.push(std::hint::black_box(vec![1_u8; 1 << 20]));
        }
    }
}

export!(HoardsInConfigure: pre_call);
