//! A trivial linear model that misbehaves where it is told to.
//!
//! Well-behaved, its weights are all 1 and its bias counts the epochs it was trained for; a row's score is the sum of
//! its values, as far as they are there, and the bias.

use fedhost_guest::{
    Batch, Descriptor, Detector, Error, Metric, Model, Parameters, Progress, Report, Result, Signal, Trainer, Weights,
    state,
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
    /// Kept from one training, or one row, to the next, and saved by no honest means.
    hidden: f32,
    /// Of the rows it was trained on.
    code: u64,
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

    fn plays(&self, act: &str) -> bool {
        self.act == act
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
        Ok(Self { act, weight: vec![1.0; columns.len()], bias: 0.0, calls: 0, hidden: 0.0, code: 0 })
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
            "codes-in-weights" => good.with_u64("code", &[self.code]),
            "grows" => good.with("rows", &[self.hidden as u32], &vec![0.0; self.hidden as usize]),
            _ => good,
        })
    }

    fn load(&mut self, model: Weights) -> Result<()> {
        if self.plays("takes-anything") {
            return Ok(());
        }
        if self.plays("codes-in-weights") {
            let [_, _, code] =
                model.tensors([("weight", &self.shape()), ("bias", &[1]), ("code", &[1, state::PARTS])])?;
            return state::u64s(code).map(drop);
        }
        let [weight, bias] = model.tensors([("weight", &self.shape()), ("bias", &[1])])?;
        self.weight = weight.to_vec();
        self.bias = bias.iter().sum();
        if self.plays("declines-trained") && self.bias > 0.0 {
            return Err(Error::InvalidState("it is trained".into()));
        }
        Ok(())
    }
}

impl Trainer for Misbehaving {
    fn train(&mut self, batch: Batch, epochs: u32, progress: &mut dyn FnMut(Progress) -> Signal) -> Result<Report> {
        act::strike(&self.act)?;
        if self.act == "spin-in-train" {
            act::spin();
        }
        self.trip_over(&batch)?;
        self.learn(&batch);
        let reports = match self.act.as_str() {
            "progress-flood" => FLOOD,
            "learns-by-the-clock" => u32::MAX,
            _ => epochs,
        };
        for epoch in 1..=reports {
            self.bias += f32::from(u8::from(batch.rows > 0));
            if self.plays("silent") {
                continue;
            }
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
    /// What goes wrong with rows that are not like most.
    fn trip_over(&self, batch: &Batch) -> Result<()> {
        match self.act.as_str() {
            "divides-by-rows" => drop(std::hint::black_box(batch.values.len() / batch.rows as usize)),
            "wants-two-rows" if batch.rows == 1 => return Err(Error::Other("one row is too little".into())),
            _ => {}
        }
        Ok(())
    }

    /// What is learnt that should not be.
    fn learn(&mut self, batch: &Batch) {
        self.code = batch.values.iter().fold(self.code, |code, value| code.rotate_left(7) ^ u64::from(value.to_bits()));
        match self.act.as_str() {
            "hidden-momentum" => {
                self.bias += self.hidden;
                self.hidden += 1.0;
            }
            "lets-nan-in" => self.bias += batch.values.iter().sum::<f32>(),
            "divides-by-range" => self.bias += self.share_of_range(batch),
            _ => {}
        }
    }

    /// 0, or NaN when no column changes.
    fn share_of_range(&self, batch: &Batch) -> f32 {
        let mut rows = batch.values.chunks_exact(self.weight.len());
        let first = rows.next().unwrap_or_default();
        let range: f32 = rows.flatten().zip(first.iter().cycle()).map(|(value, first)| (value - first).abs()).sum();
        0.0 / range
    }

    fn score_row(&mut self, row: &[f32], batch_mean: f32) -> f32 {
        let sum: f32 = row.iter().filter(|value| value.is_finite()).sum();
        let score = sum + self.bias;
        match self.act.as_str() {
            "lets-nan-in" => row.iter().sum(),
            "looks-around" => score - batch_mean,
            "looks-back" | "grows" => {
                self.hidden += 1.0;
                if self.plays("grows") { score } else { score * self.hidden }
            }
            "remembers-nan" => {
                self.hidden += row.iter().sum::<f32>();
                // Only a score that is finite is let through, and this one is so for ever.
                if self.hidden.is_nan() { f32::INFINITY } else { score }
            }
            _ => score,
        }
    }

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
        self.trip_over(&batch)?;
        let mean = batch.values.iter().sum::<f32>() / batch.values.len().max(1) as f32;
        let rows = batch.values.chunks_exact(self.weight.len());
        let mut scores: Vec<f32> = rows.map(|row| self.score_row(row, mean)).collect();
        match act.as_str() {
            "huge-output" => scores.resize(HUGE_FLOATS, 0.0),
            "too-many-scores" => scores.push(0.0),
            "too-few-scores" => drop(scores.pop()),
            "nan-scores" => scores.fill(f32::NAN),
            "infinite-scores" => scores.fill(f32::INFINITY),
            "divides-by-range" => scores.iter_mut().for_each(|score| *score += self.share_of_range(&batch)),
            _ => {}
        }
        Ok(scores)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::act::CHOICES;
    use fedhost_guest::{Parameter, Session, Value};

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
    fn a_missing_value_harms_the_well_behaved_model_not() {
        let gap = || Batch::new(2, vec![f32::NAN, 2.0]);
        assert_eq!(open("none").score(gap()).unwrap(), [2.0]);
        assert!(open("lets-nan-in").score(gap()).unwrap()[0].is_nan());
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
