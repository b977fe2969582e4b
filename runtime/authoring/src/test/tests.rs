#![allow(clippy::unwrap_used)]

use sandgate_assembly::builtin;

use super::*;

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
            json: false,
            time: args::RunTime { time_factor: 4 },
        };
        let tested = test(&asked).await.unwrap();
        assert_eq!(tested.failed(), 0, "{}", tested.text());
    }
}
