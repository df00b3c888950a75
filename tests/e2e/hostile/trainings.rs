//! A model that breaks its promises while it is opened, trained or saved: each in a run of its own,
//! in which another plug-in still prepares rows.

use fedhost_e2e::plugins;
use fedhost_e2e::{predictions, simulated, wait_until};

use super::{failures, scene};

/// Lists the acts, and makes of each a test.
macro_rules! acts {
    ($($name:ident: $act:literal => $call:literal, $kind:literal, $words:literal;)*) => {
        $(
            #[test]
            fn $name() {
                expect($act, $call, $kind, $words);
            }
        )*
    };
}

acts! {
    an_endless_loop_while_it_is_opened: "spin-in-open" => "trainer.open", "deadline", "stopped at the limit of 1000 ms";
    an_endless_loop_in_training: "spin-in-train" => "trainer.train", "deadline", "stopped at the limit of 1000 ms";
    a_loss_that_is_no_number: "nan-loss" => "trainer.train", "invalid-output", "it reported a loss of NaN";
    more_samples_than_rows:
        "more-samples-than-rows" => "trainer.train", "invalid-output", "samples for 200 rows";
    a_training_that_learnt_nothing: "no-samples" => "trainer.train", "invalid-output", "it learnt from no row";
    weights_that_are_no_numbers: "nan-weights" => "trainer.save", "invalid-output", "is NaN";
    weights_that_are_infinite: "infinite-weights" => "trainer.save", "invalid-output", "is inf";
    weights_shorter_than_their_shape:
        "data-shorter-than-shape" => "trainer.save", "invalid-output", "but there are";
    weights_of_a_shape_that_overflows: "overflowing-shape" => "trainer.save", "invalid-output", "but there are 1";
    weights_without_an_end: "huge-weights" => "trainer.save", "output-too-large", "raise limits.output_bytes";
    weights_larger_than_the_bus_carries: "incompressible-weights" => "trainer.save", "output-too-large", "its model cannot be sent";
    weights_whose_name_is_reserved: "reserved-tensor" => "trainer.save", "invalid-output", "which safetensors reserves";
    weights_without_a_tensor: "no-tensors" => "trainer.save", "invalid-output", "no tensors";
    weights_whose_name_is_a_disguise: "weights-in-disguise" => "trainer.save", "invalid-output", "not printable";
}

const ROWS: usize = 400;

/// Two nodes that train; each row of both is to come through.
fn expect(act: &str, call: &str, kind: &str, words: &str) {
    let scene = scene(&["baseline-deviation", "misbehaving"], &[]);
    let model = format!("plugin = \"misbehaving\"\nparameters = {{ act = \"{act}\" }}");
    let manifest = simulated(ROWS as u64, 2).replace("plugin = \"logistic-regression\"", &model);
    let manifest = manifest.replace(&plugins().display().to_string(), "components");
    let limits = "[plugins.misbehaving.limits]\ncall_deadline_ms = 1000\noutput_bytes = 1048576\n\n\
                  [topics.model_updates]\nmax_message_bytes = 65536";
    scene.write("run.toml", format!("{manifest}\n{limits}\n"));
    let run = scene.start(&["run", "run.toml", "--json"]);
    wait_until("it has failed", || {
        scene.path("data/aggregation_log.jsonl").exists() && !failures(&scene).is_empty()
    });
    wait_until("every row was read", || {
        scene.events_named("sensor_finished").len() == 2
    });
    assert_eq!(run.interrupt().0, Some(130), "the process outlives it");
    let failure = &failures(&scene)[0];
    assert_eq!(
        (failure.plugin.as_str(), failure.call.as_str()),
        ("misbehaving", call)
    );
    failure.expect(kind, words);
    assert!(
        scene.events_named("round_closed").is_empty()
            && scene.events_named("update_rejected").is_empty()
    );
    assert!(
        predictions(&scene.path("data")).len() > ROWS,
        "rows are still prepared"
    );
}
