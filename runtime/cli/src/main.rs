//! The thin binary: reads the command line, calls the library, prints, and turns errors into exit codes (2: nothing was
//! started, 1: something failed later).
use std::process::ExitCode;

use clap::Parser;
use sandgate::args::{self, Arguments, Token, Verb};
use sandgate::exit::{ask, complain, fail, refuse, runtime, show};
use sandgate::promote::{self, PromoteError};
use sandgate::run::{self, RunError};
use sandgate::terminal::{self, print};
use sandgate::{check, completions, demo, plugin, replay, token, why};
use sandgate_config::{Environment, Loaded, Report, import, schema};
use sandgate_daemon::admin::Ask;
use sandgate_daemon::outcome::Outcome;
use sandgate_daemon::status::Status;
use sandgate_telemetry::logging::{self, say};
use tracing::Level;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let level = arguments
        .log_level
        .as_deref()
        .unwrap_or(match arguments.verb {
            #[cfg(feature = "demo")]
            Verb::Demo(_) => sandgate_demo::LOG_LEVEL,
            // What goes wrong is told by the verb itself.
            Verb::Plugin(_) | Verb::Promote(_) => "off",
            Verb::Replay(_) => "warn",
            _ => "info",
        });
    let serving = arguments.verb.serves();
    // Kept to the end of the process, whichever way that comes.
    let _log = match logging::set_up(level, arguments.log_format.into(), serving) {
        Ok(guard) => guard,
        Err(error) => {
            complain(&error);
            logging::flush();
            return ExitCode::from(2);
        }
    };
    let code = carry_out(arguments.verb);
    match terminal::failed() {
        true => ExitCode::FAILURE,
        false => code,
    }
}

fn carry_out(verb: Verb) -> ExitCode {
    match verb {
        Verb::Run(asked) => {
            let loaded = match Loaded::read(&asked.configured.config) {
                Ok(loaded) => loaded,
                Err(report) => return refuse(&report),
            };
            match runtime(loaded.config.gateway.workers).and_then(|runtime| {
                let served = runtime.block_on(run::run(&asked, &loaded));
                // A thread that still reads stdin ends with the process.
                runtime.shutdown_background();
                match served {
                    Err(RunError::Io(error)) => Err(error),
                    Err(RunError::Config(report)) => Ok(refuse(&report)),
                    Ok(()) => Ok(ExitCode::SUCCESS),
                }
            }) {
                Ok(code) => code,
                Err(error) => fail(&error),
            }
        }
        Verb::Check(asked) => {
            let checked = Loaded::read(&asked.configured.config)
                .map_err(Box::new)
                .and_then(|loaded| match runtime(None) {
                    Ok(runtime) => {
                        let environment = Environment::of_process();
                        let checked = runtime.block_on(check::check(&loaded, &environment));
                        Ok(checked.map_err(Box::new)?)
                    }
                    Err(error) => Err(Box::new(Report::new(
                        None,
                        vec![sandgate_config::Issue::error(None, error.to_string())],
                    ))),
                });
            let (table, report) = match checked {
                Ok(checked) => (Some(checked.table), checked.warnings),
                Err(report) => (None, *report),
            };
            let verdict = check::Verdict::of(&report);
            show(asked.json, &verdict, || table.unwrap_or_default());
            if !asked.json {
                logging::say_report(&report);
            }
            match verdict.result {
                "wrong" => ExitCode::from(2),
                "doubtful" if asked.strict => ExitCode::FAILURE,
                _ => ExitCode::SUCCESS,
            }
        }
        Verb::Status(asked) => match ask::<Status>(&asked.reached, Ask::Status) {
            Ok(status) => {
                show(asked.json, &status, || status.text());
                ExitCode::SUCCESS
            }
            Err(error) => fail(&*error),
        },
        Verb::Reload(asked) => match ask::<Outcome>(&asked.reached, Ask::Reload) {
            Ok(outcome) => {
                let (text, aside) = outcome.text();
                show(asked.json, &outcome, || text);
                if !asked.json {
                    say(Level::WARN, &aside);
                }
                match outcome.error {
                    None => ExitCode::SUCCESS,
                    Some(_) => ExitCode::FAILURE,
                }
            }
            Err(error) => fail(&*error),
        },
        Verb::Why(asked) => {
            let operator = asked.reached.operator(&Environment::of_process());
            let found = why::find(operator, asked.call.as_deref(), asked.log);
            let told = found.and_then(|found| {
                let text = match asked.json {
                    true => String::new(),
                    false => found.text()?,
                };
                show(asked.json, &found.records, || text);
                Ok(())
            });
            match told {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => fail(&error),
            }
        }
        Verb::Promote(asked) => promote(&asked),
        Verb::Replay(asked) => replay::carry_out(&asked),
        Verb::Import(asked) => match import::run(&import::Request {
            files: asked.files,
            output: asked.output,
            force: asked.force,
            client_config: asked.client_config,
        }) {
            Ok(imported) => {
                print(&imported.output);
                say(Level::WARN, &imported.report);
                ExitCode::SUCCESS
            }
            Err(error) => {
                complain(&error);
                ExitCode::from(2)
            }
        },
        #[cfg(feature = "demo")]
        Verb::Demo(asked) => demo::carry_out(asked),
        Verb::Plugin(asked) => plugin::carry_out(&asked),
        Verb::Token(Token { client }) => {
            print(&token::Token::random().text(&client));
            ExitCode::SUCCESS
        }
        Verb::Schema => {
            print(&format!("{:#}", schema::value()));
            ExitCode::SUCCESS
        }
        Verb::Completions(asked) => {
            print(&String::from_utf8_lossy(&completions::script(asked.shell)));
            ExitCode::SUCCESS
        }
    }
}

fn promote(asked: &args::Promote) -> ExitCode {
    let environment = Environment::of_process();
    let planned = runtime(None).map(|runtime| runtime.block_on(promote::plan(asked, &environment)));
    let plan = match planned {
        Ok(Ok(plan)) => plan,
        Ok(Err(PromoteError::Config(report))) => return refuse(&report),
        Ok(Err(error)) => {
            complain(&error);
            return ExitCode::from(2);
        }
        Err(error) => return fail(&error),
    };
    print(&plan.text());
    for doubt in plan.doubts() {
        say(Level::WARN, &format!("doubtful: {doubt}"));
    }
    if asked.dry_run {
        return ExitCode::SUCCESS;
    }
    if !plan.doubts().is_empty() && !asked.yes && !confirmed() {
        say(Level::WARN, "Nothing has changed.");
        return ExitCode::FAILURE;
    }
    match plan.carry_out() {
        Ok(promoted) => {
            print(promoted.text());
            ExitCode::SUCCESS
        }
        Err(error) => fail(&error),
    }
}

/// Asks whoever sits there. Where nobody does, the answer is no.
fn confirmed() -> bool {
    use std::io::{IsTerminal, Write};
    if !std::io::stdin().is_terminal() {
        say(Level::WARN, "--yes promotes it all the same.");
        return false;
    }
    let _ = std::io::stderr().write_all(b"Promote it all the same? [y/N] ");
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer);
    read.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes")
}
