//! Counts instructions by the processor's counter, if the kernel allows that.

/// Counts what this thread executes outside the kernel. If it cannot count, it fails with the reason instead of
/// returning zero.
pub(super) struct Counter {
    #[cfg(target_os = "linux")]
    inner: perf_event::Counter,
}

#[cfg(target_os = "linux")]
impl Counter {
    /// Opens a stopped counter.
    ///
    /// # Errors
    ///
    /// Counting is not possible here. The error says why.
    pub(super) fn open() -> Result<Self, String> {
        use perf_event::{Builder, events::Hardware};
        let inner = Builder::new(Hardware::INSTRUCTIONS)
            .observe_self()
            .build()
            .map_err(|error| match error.kind() {
                std::io::ErrorKind::NotFound => {
                    "this machine shows no counters of its processor".to_owned()
                }
                std::io::ErrorKind::PermissionDenied => {
                    "not allowed; `sysctl kernel.perf_event_paranoid=2` allows it".to_owned()
                }
                _ => error.to_string(),
            })?;
        Ok(Self { inner })
    }

    /// Starts to count from zero.
    pub(super) fn start(&mut self) -> std::io::Result<()> {
        self.inner.reset()?;
        self.inner.enable()
    }

    /// Stops, and returns the count.
    pub(super) fn stop(&mut self) -> std::io::Result<u64> {
        self.inner.disable()?;
        self.inner.read()
    }
}

#[cfg(not(target_os = "linux"))]
impl Counter {
    pub(super) fn open() -> Result<Self, String> {
        Err("counted on Linux alone".to_owned())
    }

    pub(super) fn start(&mut self) -> std::io::Result<()> {
        Err(std::io::ErrorKind::Unsupported.into())
    }

    pub(super) fn stop(&mut self) -> std::io::Result<u64> {
        Err(std::io::ErrorKind::Unsupported.into())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn it_counts_or_says_why_not() {
        match Counter::open() {
            Ok(mut counter) => {
                counter.start().unwrap();
                let sum: u64 = std::hint::black_box((0..1000).sum());
                assert!(counter.stop().unwrap() > 0, "{sum}");
            }
            Err(why) => assert!(!why.is_empty()),
        }
    }
}
