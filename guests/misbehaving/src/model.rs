//! A trivial linear model that misbehaves where it is told to.
//!
//! Well-behaved, its weights are all 1 and its bias counts the epochs it was trained for; a row's score is the sum of
//! its values and the bias.

use fedhost_guest::{
    Batch, Descriptor, Detector, Metric, Model, Parameters, Progress, Report, Result, Signal, Trainer, Weights,
};

use crate::act::{self, ACT, CHOICES, DISGUISED, FLOOD, GOOD_CALLS, HUGE_FLOATS};

/// A model and the promise it breaks.
#[derive(Debug)]
pub struct Misbehaving {
    act: String,
    weight: Vec<f32>,
    bias: f32,
    /// Calls to score so far.
    calls: u32,
}

impl Misbehaving {
    /// What to do with these rows.
    fn act_for(&self, batch: &Batch) -> &str {
        match batch.values.first() {
            Some(number) if self.act == "as-the-rows-say" => CHOICES.get(*number as usize).unwrap_or(&"none"),
            _ => &self.act,
        }
    }

    fn shape(&self) -> [u32; 1] {
        [self.weight.len() as u32]
    }
}

impl Model for Misbehaving {
    fn describe() -> Descriptor {
        let summary = "Breaks one promise on request; it is here to test hosts.";
        Descriptor::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"), summary).with(&ACT)
    }

    fn open(columns: &[String], parameters: &Parameters, _seed: u64) -> Result<Self> {
        let act = parameters.get(&ACT).to_owned();
        if act == "spin-in-open" {
            act::spin();
        }
        Ok(Self { act, weight: vec![1.0; columns.len()], bias: 0.0, calls: 0 })
    }

    fn save(&self) -> Result<Weights> {
        let good = Weights::default().with("weight", &self.shape(), &self.weight).with("bias", &[1], &[self.bias]);
        Ok(match self.act.as_str() {
            "huge-weights" => Weights::default().with("weight", &[HUGE_FLOATS as u32], &vec![0.0; HUGE_FLOATS]),
            "nan-weights" => Weights { data: vec![f32::NAN; good.data.len()], ..good },
            "infinite-weights" => Weights { data: vec![f32::INFINITY; good.data.len()], ..good },
            "weights-in-disguise" => good.with(DISGUISED, &[1], &[0.0]),
            "wrong-shape-weights" => good.with("surplus", &[2], &[0.0; 2]),
            "wrong-shape-weights-once-mended" if act::is_mended() => good.with("surplus", &[2], &[0.0; 2]),
            "data-shorter-than-shape" => Weights { data: self.weight.clone(), ..good },
            "overflowing-shape" => Weights::default().with("weight", &[u32::MAX; 3], &[0.0]),
            "nameless-tensor" => good.with("", &[1], &[0.0]),
            "repeated-tensor" => good.with("bias", &[1], &[0.0]),
            "no-tensors" => Weights::default(),
            _ => good,
        })
    }

    fn load(&mut self, model: Weights) -> Result<()> {
        let [weight, bias] = model.tensors([("weight", &self.shape()), ("bias", &[1])])?;
        self.weight = weight.to_vec();
        self.bias = bias.iter().sum();
        Ok(())
    }
}

impl Trainer for Misbehaving {
    fn train(&mut self, batch: Batch, epochs: u32, progress: &mut dyn FnMut(Progress) -> Signal) -> Result<Report> {
        act::strike(&self.act)?;
        if self.act == "spin-in-train" {
            act::spin();
        }
        let reports = if self.act == "progress-flood" { FLOOD } else { epochs };
        for epoch in 1..=reports {
            self.bias += 1.0;
            let signal = progress(Progress { epoch, epochs, metrics: vec![Metric::new("loss", self.loss())] });
            if signal == Signal::Stop && self.act != "ignore-stop" {
                break;
            }
        }
        let samples = match self.act.as_str() {
            "no-samples" => 0,
            "more-samples-than-rows" => u64::MAX,
            _ => u64::from(batch.rows),
        };
        let loss = if self.act == "nan-loss" { f64::NAN } else { self.loss() };
        let hoard = if self.act == "hoard-of-metrics" { FLOOD } else { 0 };
        let metrics = (0..hoard).map(|number| Metric::new(DISGUISED, f64::from(number))).collect();
        Ok(Report { samples, loss, metrics })
    }
}

impl Misbehaving {
    fn loss(&self) -> f64 {
        1.0 / (1.0 + f64::from(self.bias))
    }
}

impl Detector for Misbehaving {
    fn score(&mut self, batch: Batch) -> Result<Vec<f32>> {
        let act = self.act_for(&batch).to_owned();
        act::strike(&act)?;
        if act == "spin-in-score" || (act == "spin-in-score-until-mended" && !act::is_mended()) {
            act::spin();
        }
        self.calls += 1;
        if act == "trap-after-1000-calls" && self.calls > GOOD_CALLS {
            std::process::abort();
        }
        let rows = batch.values.chunks_exact(self.weight.len());
        let mut scores: Vec<f32> = rows.map(|row| row.iter().sum::<f32>() + self.bias).collect();
        match act.as_str() {
            "huge-output" => scores.resize(HUGE_FLOATS, 0.0),
            "too-many-scores" => scores.push(0.0),
            "too-few-scores" => drop(scores.pop()),
            "nan-scores" => scores.fill(f32::NAN),
            "infinite-scores" => scores.fill(f32::INFINITY),
            _ => {}
        }
        Ok(scores)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::act::CHOICES;
    use fedhost_guest::{Error, Parameter, Session, Value};

    fn open(act: &str) -> Session<Misbehaving> {
        let parameters = vec![Parameter { name: "act".into(), value: Value::Text(act.into()) }];
        Session::open_model(&["a".into(), "b".into()], parameters, 0).unwrap()
    }

    fn batch() -> Batch {
        Batch::new(2, vec![1.0, 2.0, 3.0, 4.0])
    }

    #[test]
    fn with_nothing_to_break_it_is_a_model_like_others() {
        let mut model = open("none");
        let report = model.train(batch(), 3, &mut |_| Signal::Proceed).unwrap();
        assert_eq!((report.samples, report.loss), (2, 0.25));
        assert_eq!(model.score(batch()).unwrap(), [6.0, 10.0]);

        let mut heir = open("none");
        heir.load(model.save().unwrap()).unwrap();
        assert_eq!(heir.save(), model.save());
    }

    #[test]
    fn bad_weights_are_bad() {
        for act in ["huge-weights", "nan-weights", "wrong-shape-weights", "data-shorter-than-shape", "no-tensors"] {
            let saved = open(act).save().unwrap();
            assert!(matches!(open("none").load(saved), Err(Error::InvalidState(_))), "{act}");
        }
    }

    #[test]
    fn bad_scores_are_bad() {
        assert_eq!(open("too-many-scores").score(batch()).unwrap().len(), 3);
        assert_eq!(open("too-few-scores").score(batch()).unwrap().len(), 1);
        assert_eq!(open("huge-output").score(batch()).unwrap().len(), HUGE_FLOATS);
        assert!(open("nan-scores").score(batch()).unwrap().iter().all(|score| score.is_nan()));
        assert_eq!(open("infinite-scores").score(batch()).unwrap(), [f32::INFINITY; 2]);
    }

    #[test]
    fn a_row_can_say_what_to_do() {
        let number = |act| CHOICES.iter().position(|choice| *choice == act).unwrap() as f32;
        let mut model = open("as-the-rows-say");
        let mut scores = |first| model.score(Batch::new(2, vec![first, 0.5])).map(|scores| scores.len());
        assert_eq!((scores(number("none")), scores(number("too-many-scores"))), (Ok(1), Ok(2)));
        assert!(matches!(scores(number("error")), Err(Error::Other(_))));
        assert_eq!(scores(f32::NAN), Ok(1), "what is no number is none of them");
    }

    #[test]
    fn it_goes_on_after_a_stop_only_when_told_to() {
        let epochs_run = |act| {
            let mut run = 0;
            let stop = &mut |_| {
                run += 1;
                Signal::Stop
            };
            open(act).train(batch(), 5, stop).unwrap();
            run
        };
        assert_eq!((epochs_run("none"), epochs_run("ignore-stop")), (1, 5));
    }

    #[test]
    fn every_act_is_a_choice_once() {
        let mut names = CHOICES.to_vec();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), CHOICES.len());
    }
}
