//! The catalogue on real data: no plug-in fails an integrity check. The data is not part of the
//! source.

use fedhost_e2e::{Scene, real_data};

use super::cheats::expect_none_accused;

#[test]
fn on_skab_no_plug_in_of_the_catalogue_is_accused() {
    let Some(skab) = real_data("SKAB_DIR", "skab") else {
        return;
    };
    let files = format!("{}/valve1/*.csv", skab.display());
    let data = ["--data", &files, "--ignore", "datetime,changepoint"];
    for protocol in ["prefix:400", "split:0.3", "by-file:0.7", "prequential:100"] {
        expect_none_accused(
            &Scene::new(),
            &[&data[..], &["--protocol", protocol]].concat(),
        );
    }
}

#[test]
fn on_adbench_no_plug_in_of_the_catalogue_is_accused() {
    let Some(adbench) = real_data("ADBENCH_DIR", "adbench") else {
        return;
    };
    for (set, protocol) in [("cardio", "stratified:0.7"), ("fault", "split:0.5")] {
        let file = format!("{}/{set}.csv", adbench.display());
        expect_none_accused(&Scene::new(), &["--data", &file, "--protocol", protocol]);
    }
}

#[test]
fn on_nab_no_plug_in_of_the_catalogue_is_accused() {
    let Some(nab) = real_data("NAB_DIR", "nab") else {
        return;
    };
    let file = format!("{}/rogue_agent_key_hold.csv", nab.display());
    let data = [
        "--data",
        &file,
        "--ignore",
        "timestamp",
        "--preprocess",
        "window-features",
    ];
    expect_none_accused(
        &Scene::new(),
        &[&data[..], &["--protocol", "split:0.15"]].concat(),
    );
}
