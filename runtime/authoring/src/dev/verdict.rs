//! The verdict on a version: it is reported, and a version that passed is written and swapped in.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use sandgate_host::PluginFile;

use super::live::Swapped;
use super::since::{Since, lasting};
use super::{BAD, Dev, Made, OK, QUIET, decisions, page};
use crate::build;
use crate::test::Tested;

impl Dev<'_> {
    /// Reports the outcome of a version. Writes and swaps in a version that passed.
    pub(super) async fn tell(&mut self, made: Made, since: &Since) -> io::Result<()> {
        if let Made::Gone = made {
            let folder = self.folder.display();
            let status = format!(
                "{BAD}{folder} is gone{BAD:#}; {}; put it back to go on",
                self.kept()
            );
            return self.screen.status(&status);
        }
        self.tried += 1;
        self.screen.anew();
        let number = self.tried;
        let (said, file, tested, build) = match made {
            Made::Gone => return Ok(()),
            Made::NotBuilt { said, why } => {
                self.screen.above(said.trim_start_matches('\n'))?;
                let status = format!("version {number} {BAD}{why}{BAD:#}; {}", self.kept());
                return self.screen.status(&status);
            }
            Made::Tested {
                said,
                file,
                tested,
                build,
            } => (said, file, tested, build),
        };
        self.screen.above(&said)?;
        let (passed, failed) = tested
            .as_ref()
            .map_or((0, 0), |tested| (tested.passed(), tested.failed()));
        if let Some(tested) = &tested {
            self.screen.tested(tested)?;
        }
        let now = tested.map(Tested::into_decisions).unwrap_or_default();
        if let Some(before) = &self.decisions {
            self.screen.above(&decisions::difference(before, &now))?;
        }
        self.decisions = Some(now);
        let title = format!("{} version {number}", file.manifest().name);
        if failed > 0 {
            let fail = if failed == 1 { "fails" } else { "fail" };
            let all = passed + failed;
            let kept = self.kept();
            return self.screen.status(&format!(
                "{title}: built in {}, {BAD}{failed} of {all} fixtures {fail}{BAD:#}; {kept}",
                lasting(build)
            ));
        }
        let tests = match passed {
            0 => "no fixtures".to_owned(),
            1 => "1 fixture passes".to_owned(),
            n => format!("{n} fixtures pass"),
        };
        let output = self
            .folder
            .join("target")
            .join(format!("{}.wasm", file.manifest().name));
        if let Err(error) = build::write(&file, &output) {
            let kept = self.kept();
            return self
                .screen
                .status(&format!("{title}: {BAD}{error}{BAD:#}; {kept}"));
        }
        if let Some(own) = &self.own {
            own.configure(&file)?;
        }
        let before = self.kept();
        self.good = Some(number);
        let mut status = format!("{title}: built in {}, {tests}, ", lasting(build));
        match self.swap(&file, &output).await {
            None => {
                let _ = write!(status, "{OK}written{OK:#}");
            }
            Some(Swapped::Live {
                edition,
                interceptors,
            }) => {
                let names = interceptors.join(", ");
                self.interceptors = interceptors;
                let _ = write!(status, "{OK}live{OK:#} in edition {edition} as {names}");
                (self.runs, self.noted) = (Some(true), None);
            }
            Some(Swapped::NotRunning(why)) => {
                if let Some(started) = self.started(&file).await? {
                    return self.screen.status(&format!(
                        "{status}{started} {QUIET}({}){QUIET:#}",
                        since.told()
                    ));
                }
                let _ = write!(status, "written; no gateway runs");
                self.runs = Some(false);
                let config = self.config();
                self.note(format!(
                    "{why}: start it with `sandgate run --config {config}`"
                ))?;
            }
            Some(Swapped::Unused(lines)) => {
                let config = self.config();
                let _ = write!(status, "written; {config} does not use it");
                self.note(format!(
                    "no interceptor of {config} has this plugin; add these lines:\n\n{lines}"
                ))?;
            }
            Some(Swapped::Refused(why)) => {
                let _ = write!(
                    status,
                    "{BAD}not live{BAD:#}: the gateway keeps what it has"
                );
                if self.runs == Some(true) {
                    let _ = write!(status, " ({before})");
                }
                self.note(why)?;
            }
        }
        let _ = write!(status, " {QUIET}({}){QUIET:#}", since.told());
        self.screen.status(&status)
    }

    /// Starts the gateway that `--server` asks for. `None`: none is asked for, or it does not start, which is told.
    async fn started(&mut self, file: &PluginFile) -> io::Result<Option<String>> {
        let (Some(own), Some(live)) = (&mut self.own, &self.live) else {
            return Ok(None);
        };
        self.screen.doing("starting a gateway")?;
        if let Some(why) = own.start(live).await? {
            self.note(why)?;
            return Ok(None);
        }
        let call = own.call();
        let live = live.clone();
        self.runs = Some(true);
        self.screen.hint(&call)?;
        let name = file.manifest().name.clone();
        self.interceptors = vec![name.clone()];
        let edition = tokio::task::spawn_blocking(move || live.edition())
            .await
            .unwrap_or_default();
        Ok(Some(match edition {
            Some(edition) => format!("{OK}live{OK:#} in edition {edition} as {name}"),
            None => format!("{OK}live{OK:#} as {name}"),
        }))
    }

    async fn swap(&self, file: &PluginFile, output: &Path) -> Option<Swapped> {
        let live = self.live.clone()?;
        let (file, output) = (file.clone(), output.to_owned());
        let asked = tokio::task::spawn_blocking(move || live.swap(&file, &output)).await;
        Some(asked.unwrap_or_else(|error| Swapped::Refused(error.to_string())))
    }

    /// Reports when the gateway has ended or is back.
    pub(super) async fn look(&mut self) -> io::Result<()> {
        let (Some(live), Some(ran)) = (self.live.clone(), self.runs) else {
            return Ok(());
        };
        let shows_calls = self.screen.shows_calls();
        let asked = tokio::task::spawn_blocking(move || {
            let calls = shows_calls.then(|| live.calls(page::CALLS)).flatten();
            (live.process(), calls)
        });
        let (process, calls) = asked.await.unwrap_or_default();
        if let Some(calls) = calls {
            self.screen.calls(&calls, &self.interceptors)?;
        }
        if process.is_some() == ran {
            return Ok(());
        }
        self.runs = Some(!ran);
        let config = self.config();
        self.screen.status(&match (process, self.good) {
            (Some(process), Some(good)) => format!(
                "the gateway on {config} {OK}is back{OK:#} (process {process}), with version {good}"
            ),
            (Some(process), None) => format!("the gateway on {config} is back (process {process})"),
            (None, _) => format!(
                "the gateway on {config} {BAD}has ended{BAD:#}: start it with `sandgate run --config {config}`"
            ),
        })
    }

    /// Prints a note, unless it was the last one.
    fn note(&mut self, text: String) -> io::Result<()> {
        if self.noted.as_ref() != Some(&text) {
            self.screen.above(&text)?;
            self.noted = Some(text);
        }
        Ok(())
    }

    fn config(&self) -> String {
        let config = self
            .live
            .as_ref()
            .map(|live| live.config().display().to_string());
        config.unwrap_or_default()
    }

    /// What stays in use.
    pub(super) fn kept(&self) -> String {
        match (self.good, self.runs) {
            (Some(good), Some(true)) => format!("version {good} keeps running"),
            (Some(good), _) => format!("version {good} is kept"),
            (None, _) => "what was there before is kept".to_owned(),
        }
    }
}
