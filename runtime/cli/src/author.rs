//! The verbs of `sandgate plugin` for authors of plugins.

use std::path::Path;
use std::process::ExitCode;

use sandgate_assembly::inspect;
use sandgate_authoring::args::{Author, NewHooks};
use sandgate_authoring::build::BuildError;
use sandgate_authoring::dev::NotDeveloped;
use sandgate_authoring::lang::New;
use sandgate_authoring::stages::Stages;
use sandgate_authoring::test::NotTested;
use sandgate_authoring::upgrade::UpgradeError;
use sandgate_authoring::{
    ProjectError, bench, build, cover, dev, doc, eval, new, recorded, run, test, upgrade,
};
use sandgate_message::Hook;

use crate::exit::{complain, fail, refuse, runtime};
use crate::terminal::print;

/// Carries out one of the verbs.
pub(crate) fn carry_out(asked: &Author) -> ExitCode {
    match asked {
        Author::New(asked) => {
            let wanted = New {
                name: asked.name.clone(),
                pre: asked.hook != NewHooks::Post,
                post: asked.hook != NewHooks::Pre,
            };
            let mut fixtures = Vec::new();
            if let Some(call) = &asked.from_recording {
                let hooks = [(wanted.pre, Hook::PreCall), (wanted.post, Hook::PostCall)];
                let hooks: Vec<_> = hooks
                    .iter()
                    .filter_map(|(has, hook)| has.then_some(*hook))
                    .collect();
                match recorded::fixtures(call, asked.identity.as_deref(), &wanted.name, &hooks) {
                    Ok(made) => fixtures = made,
                    Err(error) => return wrong(&error),
                }
            }
            match new::new(Path::new(""), asked.lang, &wanted, &fixtures) {
                Ok(next) => {
                    print(&format!("{} is there. Next: {next}", wanted.name));
                    ExitCode::SUCCESS
                }
                Err(error) => wrong(&error),
            }
        }
        Author::Upgrade(asked) => match upgrade::upgrade(asked) {
            Ok(upgraded) => {
                print(&upgraded.text());
                ExitCode::SUCCESS
            }
            Err(UpgradeError::Project(error)) => not_built(&BuildError::Project(error)),
            Err(error) => wrong(&error),
        },
        Author::Build(asked) => {
            let build = build::build(&asked.folder, asked.lang, Stages::stderr());
            match runtime(None).map(|runtime| runtime.block_on(build)) {
                Ok(Ok(built)) => {
                    match asked.json {
                        true => print(&format!("{:#}", built.as_json())),
                        false => print(&built.text()),
                    }
                    ExitCode::SUCCESS
                }
                Ok(Err(error)) => not_built(&error),
                Err(error) => fail(&error),
            }
        }
        Author::Run(asked) => {
            match runtime(None).map(|runtime| runtime.block_on(run::run(asked))) {
                Ok(Ok(ran)) => {
                    if asked.json {
                        print(&ran.as_json().to_string());
                    } else {
                        print(&ran.text());
                    }
                    ExitCode::from(ran.exit_code())
                }
                Ok(Err(error)) => wrong(&error),
                Err(error) => fail(&error),
            }
        }
        Author::Test(asked) if asked.coverage => match cover::cover(asked, Stages::stderr()) {
            Ok(covered) => {
                match asked.json {
                    true => print(&format!("{:#}", covered.as_json())),
                    false => print(&covered.text()),
                }
                ExitCode::from(u8::from(!covered.passed))
            }
            Err(error) => not_built(&error),
        },
        Author::Test(asked) => {
            match runtime(None).map(|runtime| runtime.block_on(test::test(asked, Stages::stderr())))
            {
                Ok(Ok(tested)) => {
                    match asked.json {
                        true => print(&format!("{:#}", tested.as_json())),
                        false => print(&tested.text()),
                    }
                    ExitCode::from(u8::from(tested.failed() > 0))
                }
                Ok(Err(NotTested::Build(error))) => not_built(&error),
                Ok(Err(error)) => wrong(&error),
                Err(error) => fail(&error),
            }
        }
        Author::Dev(asked) => match runtime(None).map(|runtime| {
            let ended = runtime.block_on(dev::dev(asked));
            // A request that still waits for a gateway's answer ends with the process.
            runtime.shutdown_background();
            ended
        }) {
            Ok(Ok(())) => ExitCode::SUCCESS,
            Ok(Err(NotDeveloped::Project(error))) => not_built(&BuildError::Project(error)),
            Ok(Err(error)) => wrong(&error),
            Err(error) => fail(&error),
        },
        Author::Compile(asked) => match dev::compile(asked) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => not_built(&error),
        },
        Author::Bench(asked) => {
            match runtime(None).map(|runtime| runtime.block_on(bench::bench(asked))) {
                Ok(Ok(measured)) => {
                    if asked.json {
                        print(&format!("{:#}", measured.as_json()));
                    } else {
                        print(&measured.text());
                    }
                    ExitCode::SUCCESS
                }
                Ok(Err(error)) => wrong(&error),
                Err(error) => fail(&error),
            }
        }
        Author::Eval(asked) => {
            match runtime(None).map(|runtime| runtime.block_on(eval::eval(asked))) {
                Ok(Ok(evaluated)) => {
                    if asked.json {
                        print(&format!("{:#}", evaluated.as_json()));
                    } else {
                        print(&evaluated.text());
                    }
                    ExitCode::from(u8::from(evaluated.failed()))
                }
                Ok(Err(error)) => wrong(&error),
                Err(error) => fail(&error),
            }
        }
        Author::Doc(asked) => match inspect::read(&asked.plugin) {
            Ok(file) => {
                match asked.json {
                    true => print(&format!("{:#}", inspect::as_json(&file))),
                    false => print(&doc::page(&file)),
                }
                ExitCode::SUCCESS
            }
            Err(error) => wrong(&error),
        },
    }
}

fn not_built(error: &BuildError) -> ExitCode {
    if let BuildError::Project(ProjectError::Manifest(report)) = error {
        return refuse(report);
    }
    wrong(error)
}

fn wrong(error: &(impl std::fmt::Display + ?Sized)) -> ExitCode {
    complain(error);
    ExitCode::from(2)
}
