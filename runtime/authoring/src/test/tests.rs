#![allow(clippy::unwrap_used)]

use sandgate_assembly::builtin;

use super::*;

#[tokio::test]
async fn every_builtin_plugin_passes_its_own_fixtures() {
    let plugins = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins");
    assert!(builtin::all().len() >= 10);
    for builtin in builtin::all() {
        let asked = args::TestPlugin {
            folder: plugins.join(builtin.name),
            lang: None,
            fixtures: None,
            no_build: true,
            plugin: Some(format!("builtin:{}", builtin.name)),
            bless: false,
            junit: None,
        };
        let tested = test(&asked).await.unwrap();
        assert_eq!(tested.failed(), 0, "{}", tested.text());
    }
}
