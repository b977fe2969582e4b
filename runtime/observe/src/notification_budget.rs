//! A budget for the records that one server conversation's notifications write. Without it, a server that reports
//! progress ten thousand times a second would fill the disk.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;
use sandgate_message::Call;
use tokio::time::Instant;

use crate::call_log::LeftOut;
use crate::recorder::CallRecorder;

/// The most notifications of one conversation recorded individually per [`SPAN`]. The rest is recorded as a number.
const RECORDED: u32 = 100;
/// The time span of the budget: 1 second.
const SPAN: Duration = Duration::from_secs(1);

/// The notification budget of one conversation. Dropping it records how many notifications were left out last.
#[derive(Default)]
pub struct NotificationBudget(Mutex<Window>);

#[derive(Default)]
struct Window {
    since: Option<Instant>,
    recorded: u32,
    left_out: Option<LeftOutCount>,
}

struct LeftOutCount {
    recorder: Arc<CallRecorder>,
    /// The latest notification left out.
    call: Arc<Call>,
    count: u64,
}

impl LeftOutCount {
    fn write(self) {
        self.recorder.left_out(&LeftOut {
            call: &self.call,
            at: SystemTime::now(),
            notifications: self.count,
        });
    }
}

impl NotificationBudget {
    /// Whether a notification on which no interceptor decided anything gets records of its own.
    pub fn admit(&self, recorder: &Arc<CallRecorder>, call: &Arc<Call>) -> bool {
        let mut window = self.0.lock();
        let now = Instant::now();
        let mut over = None;
        if window.since.is_none_or(|since| now - since >= SPAN) {
            window.since = Some(now);
            window.recorded = 0;
            over = window.left_out.take();
        }
        let admitted = window.recorded < RECORDED;
        if admitted {
            window.recorded += 1;
        } else {
            let count = window.left_out.as_ref().map_or(0, |pending| pending.count);
            window.left_out = Some(LeftOutCount {
                recorder: recorder.clone(),
                call: call.clone(),
                count: count + 1,
            });
        }
        drop(window);
        if let Some(over) = over {
            over.write();
        }
        admitted
    }
}

impl Drop for NotificationBudget {
    fn drop(&mut self) {
        if let Some(pending) = self.0.get_mut().left_out.take() {
            pending.write();
        }
    }
}
