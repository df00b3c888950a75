//! Real sensors, when their data is here: the Skoltech Anomaly Benchmark, which is not ours to
//! ship.

use fedhost_e2e::{Scene, plugins, real_data, root};

fn final_auc(manifest: &str, directory: &std::path::Path) -> f64 {
    let scene = Scene::new();
    let path = root().join("config").join(manifest).display().to_string();
    let sets = [
        format!(
            "data.directory={}",
            directory.canonicalize().unwrap().display()
        ),
        "bus.directory=data".to_owned(),
        format!("plugins.directory={}", plugins().display()),
    ];
    let mut arguments = vec!["run", path.as_str(), "-q"];
    for set in &sets {
        arguments.extend(["--set", set]);
    }
    scene.fedhost(&arguments).expect_code(0);
    let evaluations = scene.events_named("round_evaluated");
    evaluations.last().unwrap()["after"]["roc_auc"]
        .as_f64()
        .unwrap()
}

#[test]
fn a_federation_is_as_good_as_one_node_with_all_rows() {
    let Some(directory) = real_data("SKAB_DIR", "skab") else {
        return;
    };
    let federated = final_auc("skab.toml", &directory);
    let central = final_auc("skab-central.toml", &directory);
    assert!(central > 0.85, "{central}");
    assert!(federated > central - 0.02, "{federated} against {central}");
}
