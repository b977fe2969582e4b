#![allow(clippy::unwrap_used)]

use sandgate_assembly::builtin;

use super::*;

/// A folder with a plugin of the zoo and these fixtures.
struct Project(tempfile::TempDir);

impl Project {
    fn of(guest: &str, fixtures: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let guest = sandgate_guests::find(guest).unwrap();
        std::fs::write(folder.path().join("plugin.wasm"), guest.bytes).unwrap();
        std::fs::create_dir(folder.path().join("fixtures")).unwrap();
        let project = Self(folder);
        for (name, text) in fixtures {
            std::fs::write(project.fixture(name), text).unwrap();
        }
        project
    }

    fn fixture(&self, name: &str) -> PathBuf {
        self.0.path().join(format!("fixtures/{name}.toml"))
    }

    async fn test(&self, names: &[&str], bless: bool) -> Result<Tested, NotTested> {
        let folder = self.0.path().display().to_string();
        let names = names.iter().map(|name| (*name).to_owned());
        test(
            &args::TestPlugin {
                targets: std::iter::once(folder.clone()).chain(names).collect(),
                lang: None,
                fixtures: None,
                release: false,
                no_build: false,
                plugin: Some(format!("{folder}/plugin.wasm")),
                bless,
                junit: None,
                coverage: false,
                json: false,
                time: args::RunTime { time_factor: 1 },
            },
            Stages::silent(),
        )
        .await
    }
}

const PASSES: &str = "hook = 'pre-call'\n[expect]\ndecision = 'proceed'\n";
const MISBEHAVES: &str = "hook = 'pre-call'\nparams = { misbehave = true }\n";

#[tokio::test]
async fn fixtures_are_chosen_by_their_names() {
    let fixtures = [("a-one", PASSES), ("a-two", PASSES), ("b", MISBEHAVES)];
    let project = Project::of("validator-that-edits", &fixtures);
    let tested = project.test(&["a-*"], false).await.unwrap();
    assert_eq!((tested.passed(), tested.failed()), (2, 0));
    let json = project.test(&[], false).await.unwrap().as_json();
    assert_eq!((&json["passed"], &json["failed"]), (&2.into(), &1.into()));
    assert_eq!(json["fixtures"][2]["name"], "b");
    assert_eq!(json["fixtures"][2]["outcome"]["fault"], "malformed");
    let unknown = project.test(&["c"], false).await.err().unwrap();
    assert!(
        unknown
            .to_string()
            .contains("no fixture c; it has a-one, a-two, b"),
        "{unknown}"
    );
}

#[tokio::test]
async fn a_failure_is_blessed_only_where_one_is_meant() {
    let meant = format!("{MISBEHAVES}[expect]\ndecision = 'fault'\nfault = 'trap'\n");
    let project = Project::of("panics", &[("meant", &meant), ("surprise", MISBEHAVES)]);
    let tested = project.test(&[], true).await.unwrap();
    assert_eq!(
        (tested.passed(), tested.failed()),
        (1, 1),
        "{}",
        tested.text()
    );
    assert!(
        tested.text().contains("a failure is not blessed"),
        "{}",
        tested.text()
    );
    let surprise = std::fs::read_to_string(project.fixture("surprise")).unwrap();
    assert_eq!(surprise, MISBEHAVES);
}

#[tokio::test]
async fn a_fixture_that_a_gateway_would_never_run_fails() {
    let other = "hook = 'pre-call'\nevent = 'prompts/get'\n[expect]\ndecision = 'proceed'\n";
    let absent = "hook = 'post-call'\nreply = {}\n[expect]\ndecision = 'proceed'\n";
    let project = Project::of("own-error", &[("absent", absent), ("other", other)]);
    let tested = project.test(&[], false).await.unwrap();
    assert_eq!(tested.failed(), 2);
    for says in [
        "would not call it for prompts/get",
        "the plugin has no post-call",
    ] {
        assert!(tested.text().contains(says), "{}", tested.text());
    }
}

#[tokio::test]
async fn a_run_that_takes_too_long_fails_and_says_what_to_do_on_a_slow_machine() {
    let project = Project::of("loops", &[("loops", MISBEHAVES)]);
    let tested = project.test(&[], false).await.unwrap();
    for says in ["it took longer than 50 ms", "--time-factor"] {
        assert!(tested.text().contains(says), "{}", tested.text());
    }
}

#[tokio::test]
async fn every_builtin_plugin_passes_its_own_fixtures() {
    let plugins = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins");
    assert!(builtin::all().len() >= 10);
    for builtin in builtin::all() {
        let asked = args::TestPlugin {
            targets: vec![plugins.join(builtin.name).display().to_string()],
            lang: None,
            fixtures: None,
            release: false,
            no_build: true,
            plugin: Some(format!("builtin:{}", builtin.name)),
            bless: false,
            junit: None,
            coverage: false,
            json: false,
            time: args::RunTime { time_factor: 4 },
        };
        let tested = test(&asked, Stages::silent()).await.unwrap();
        assert_eq!(tested.failed(), 0, "{}", tested.text());
    }
}

#[tokio::test]
async fn a_service_of_a_fixture_may_be_slow_refuse_or_break_off() {
    let fixture = |service: &str, expect: &str| {
        format!(
            "hook = 'pre-call'\nparams = {{ url = 'http://a.example/x' }}\n\
             [[http]]\nurl = 'http://a.example/x'\nbody = 'whole'\n{service}\n[expect]\n{expect}\n"
        )
    };
    let answer = |text: &str| format!("decision = 'answer'\ndocument = '{text}'");
    let plain = answer(r#"{"body":"whole","status":200,"url":"http://a.example/x"}"#);
    let refused = answer(r#"{"error":"ErrorCode::ConnectionRefused","url":"http://a.example/x"}"#);
    let deadline = "decision = 'fault'\nfault = 'deadline'";
    let project = Project::of(
        "reaches-out",
        &[
            ("cut", &fixture("fails = 'cut'", &plain)),
            ("late", &fixture("delay = '300ms'", deadline)),
            ("plain", &fixture("", &plain)),
            ("refused", &fixture("fails = 'refused'", &refused)),
            ("slow", &fixture("delay = '5ms'", &plain)),
        ],
    );
    let tested = project.test(&[], false).await.unwrap();
    assert_eq!(tested.failed(), 0, "{}", tested.text());
    std::fs::write(project.fixture("slow"), fixture("delay = '1h'", deadline)).unwrap();
    let tested = project.test(&["slow"], false).await.unwrap();
    assert!(tested.text().contains("10s at most"), "{}", tested.text());
}
