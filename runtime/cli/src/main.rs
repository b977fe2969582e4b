//! The binary: parses the command line, sets the log up, and runs the verb.

use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use sandgate::args::{Arguments, Verb};
#[cfg(feature = "demo")]
use sandgate::demo;
use sandgate::{
    add, alerts, audit, call, catalog, check, completions, console, drill, egress, import, init,
    install, lock, manual, pins, plugin, promote, reload, replay, rotate, run, schema, secret,
    status, stop, terminal, token, why,
};
use sandgate_telemetry::logging;
use tracing::Level;

fn main() -> ExitCode {
    // Started by a gateway to hold one server's program: before there is a thread or a log.
    #[cfg(target_os = "linux")]
    if let Some(code) = sandgate_contain::helper::take_over(std::env::args_os()) {
        return code;
    }
    let arguments = Arguments::parse();
    let level = arguments
        .log_level
        .as_deref()
        .unwrap_or(match arguments.verb {
            #[cfg(feature = "demo")]
            Verb::Demo(_) => sandgate_demo::LOG_LEVEL,
            // Its stops and refusals are the report's to tell.
            Verb::Drill(_) => "error",
            // These verbs report errors themselves.
            Verb::Plugin(_) | Verb::Promote(_) | Verb::Audit(_) => "off",
            Verb::Replay(_) | Verb::Pins(_) | Verb::Call(_) | Verb::Lock(_) | Verb::Install(_) => {
                "warn"
            }
            _ => "info",
        });
    let serving = arguments.verb.serves();
    // The guard is kept to the end of the process, whichever way that comes.
    let _log = match logging::set_up(level, arguments.log_format.into(), serving) {
        Ok(guard) => guard,
        Err(error) => {
            logging::say(Level::ERROR, &error.to_string());
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
        Verb::Run(asked) => run::carry_out(&asked),
        Verb::Check(asked) => check::carry_out(&asked),
        Verb::Status(asked) => status::carry_out(&asked),
        Verb::Reload(asked) => reload::carry_out(&asked),
        Verb::Stop(asked) => stop::carry_out(&asked),
        Verb::Resume(asked) => stop::resume(&asked),
        Verb::Stops(asked) => stop::list(&asked),
        Verb::Rotate(asked) => rotate::carry_out(&asked),
        Verb::Alerts(asked) => alerts::carry_out(&asked),
        Verb::Drill(asked) => drill::carry_out(&asked),
        Verb::Console(asked) => console::carry_out(&asked),
        Verb::Why(asked) => why::carry_out(&asked),
        Verb::Egress(asked) => egress::carry_out(&asked),
        Verb::Call(asked) => call::carry_out(&asked),
        Verb::Promote(asked) => promote::carry_out(&asked),
        Verb::Replay(asked) => replay::carry_out(&asked),
        Verb::Init(asked) => init::carry_out(&asked),
        Verb::Import(asked) => import::carry_out(asked),
        Verb::Audit(asked) => audit::carry_out(&asked),
        Verb::Catalog(asked) => catalog::carry_out(&asked),
        Verb::Add(asked) => add::carry_out(&asked),
        Verb::Lock(asked) => lock::carry_out(&asked),
        Verb::Install(asked) => install::carry_out(&asked),
        Verb::Pins(asked) => pins::carry_out(&asked),
        #[cfg(feature = "demo")]
        Verb::Demo(asked) => demo::carry_out(asked),
        Verb::Plugin(asked) => plugin::carry_out(&asked),
        Verb::Secret(asked) => secret::carry_out(&asked),
        Verb::Token(asked) => token::carry_out(&asked),
        Verb::Schema => schema::carry_out(),
        Verb::Completions(asked) => completions::carry_out(asked, Arguments::command()),
        Verb::Manual(asked) => manual::carry_out(&asked, Arguments::command()),
    }
}
