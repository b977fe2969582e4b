//! Computes for ever in `configure`.

use sandgate_sdk::{Interceptor, Issues, NoSettings, export};

struct LoopsInConfigure;

impl Interceptor for LoopsInConfigure {
    type Settings = NoSettings;

    fn configure(_: NoSettings) -> Result<Self, Issues> {
        loop {
            std::hint::black_box(());
        }
    }
}

export!(LoopsInConfigure: pre_call);
