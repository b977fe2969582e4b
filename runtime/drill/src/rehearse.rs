//! Does a drill, and takes everything back that it did.

use std::pin::pin;
use std::time::Duration;

use sandgate_config::Loaded;
use tokio_util::sync::CancellationToken;

use crate::error::DrillError;
use crate::keep::Keep;
use crate::plan::{AT_MOST_S, Drill, Wanted};
use crate::rehearsal::Rehearsal;
use crate::report::Report;
use crate::{copy, drills};

impl Drill {
    /// Does the drill, and takes everything back that it did, also when `told` is cancelled.
    ///
    /// # Errors
    ///
    /// The drill could not be done to its end.
    pub async fn rehearse(
        self,
        loaded: &Loaded,
        wanted: &Wanted,
        told: CancellationToken,
    ) -> Result<Report, DrillError> {
        let cast = copy::Cast::of(loaded, wanted)?;
        let began = std::time::SystemTime::now();
        let keep = wanted.keep.as_deref();
        let keep = keep.map(|folder| Keep::new(folder, self.plan().name, began));
        let keep = keep.transpose()?;
        let doing = async {
            let mut late = pin!(tokio::time::sleep(Duration::from_secs(AT_MOST_S)));
            let rehearsal = tokio::select! {
                rehearsal = Rehearsal::set(self, loaded, &cast) => rehearsal?,
                () = told.cancelled() => return Err(DrillError::Stopped),
                () = &mut late => return Err(DrillError::TooLong(AT_MOST_S)),
            };
            let steps = tokio::select! {
                steps = self.steps(&rehearsal) => steps,
                () = told.cancelled() => Err(DrillError::Stopped),
                () = &mut late => Err(DrillError::TooLong(AT_MOST_S)),
            };
            let kept = rehearsal.strike(keep).await?;
            Ok((steps?, kept))
        };
        let (done, kept) = Box::pin(doing).await?;
        let mut report = Report::new(self.plan(), &cast, loaded, began, done);
        report.kept = kept;
        Ok(report)
    }

    async fn steps(self, rehearsal: &Rehearsal) -> Result<crate::report::Done, DrillError> {
        let control = rehearsal.control().await?;
        let steps = match self {
            Self::SecretLeak => drills::leaks::secrets(rehearsal).await,
            Self::PersonalData => drills::leaks::personal_data(rehearsal).await,
            Self::Injection => drills::injection::steps(rehearsal).await,
            Self::PoisonedTool => drills::poisoned_tool::steps(rehearsal).await,
            Self::PathEscape => drills::path_escape::steps(rehearsal).await,
            Self::Stop => Box::pin(drills::stop::steps(rehearsal)).await,
            Self::KeyOut => Box::pin(drills::key_out::steps(rehearsal)).await,
            Self::ServerHangs => Box::pin(drills::server_hangs::steps(rehearsal)).await,
            Self::LogFull => Box::pin(drills::log_full::steps(rehearsal)).await,
        }?;
        Ok(crate::report::Done { control, steps })
    }
}
