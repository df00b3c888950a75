//! A trivial linear model that breaks one law on request.
//!
//! Without a request its weights are all 1 and its bias is the number of epochs it was trained for;
//! a row's score is the sum of its finite values and the bias.

use fedhost_guest::{
    Batch, Descriptor, Detector, Error, Metric, Model, Parameters, Progress, Report, Result,
    Signal, Trainer, Weights, state,
};

use crate::act::{self, ACT, CHOICES, DISGUISED, FLOOD, GOOD_CALLS, HUGE_FLOATS};
use crate::cheat::Memory;

/// Floats of weights that no compression makes small: 256 KiB.
const NOISE_FLOATS: u32 = 64 << 10;

/// A model and the law it breaks.
#[derive(Debug)]
pub struct Misbehaving {
    act: String,
    weight: Vec<f32>,
    bias: f32,
    /// Calls of `score` so far.
    calls: u32,
    /// Kept from one training, or one row, to the next, and saved by no honest means.
    hidden: f32,
    /// Of the rows it was trained on.
    code: u64,
    memory: Memory,
}

impl Misbehaving {
    /// What to do with these rows.
    fn act_for(&self, batch: &Batch) -> &str {
        match batch.values.first() {
            Some(number) if self.act == "as-the-rows-say" => {
                CHOICES.get(*number as usize).unwrap_or(&"none")
            }
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
        let summary = "Breaks one law on request; for tests of hosts.";
        Descriptor::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"), summary).with(&ACT)
    }

    fn open(columns: &[String], parameters: &Parameters, _seed: u64) -> Result<Self> {
        let act = parameters.get(&ACT).to_owned();
        if act == "spin-in-open" {
            act::spin();
        }
        Ok(Self {
            act,
            weight: vec![1.0; columns.len()],
            bias: 0.0,
            calls: 0,
            hidden: 0.0,
            code: 0,
            memory: Memory::default(),
        })
    }

    fn save(&self) -> Result<Weights> {
        let good = Weights::default()
            .with("weight", &self.shape(), &self.weight)
            .with("bias", &[1], &[self.bias]);
        Ok(match self.act.as_str() {
            "huge-weights" => {
                Weights::default().with("weight", &[HUGE_FLOATS as u32], &vec![0.0; HUGE_FLOATS])
            }
            "nan-weights" => Weights {
                data: vec![f32::NAN; good.data.len()],
                ..good
            },
            "infinite-weights" => Weights {
                data: vec![f32::INFINITY; good.data.len()],
                ..good
            },
            "weights-in-disguise" => good.with(DISGUISED, &[1], &[0.0]),
            "wrong-shape-weights" => good.with("surplus", &[2], &[0.0; 2]),
            "wrong-shape-weights-once-repaired" if act::is_repaired() => {
                good.with("surplus", &[2], &[0.0; 2])
            }
            "data-shorter-than-shape" => Weights {
                data: self.weight.clone(),
                ..good
            },
            "overflowing-shape" => Weights::default().with("weight", &[u32::MAX; 3], &[0.0]),
            "nameless-tensor" => good.with("", &[1], &[0.0]),
            "repeated-tensor" => good.with("bias", &[1], &[0.0]),
            "no-tensors" => Weights::default(),
            "incompressible-weights" => good.with("noise", &[NOISE_FLOATS], &noise()),
            "reserved-tensor" => good.with("__metadata__", &[1], &[0.0]),
            "codes-in-weights" => good.with_u64("code", &[self.code]),
            "grows" => good.with(
                "rows",
                &[self.hidden as u32],
                &vec![0.0; self.hidden as usize],
            ),
            act => self.memory.save(act, good),
        })
    }

    fn load(&mut self, model: Weights) -> Result<()> {
        if self.plays("takes-anything") || self.plays("incompressible-weights") {
            return Ok(());
        }
        if self.plays("codes-in-weights") {
            let [_, _, code] = model.tensors([
                ("weight", &self.shape()),
                ("bias", &[1]),
                ("code", &[1, state::PARTS]),
            ])?;
            return state::u64s(code).map(drop);
        }
        let model = self.memory.load(&self.act, model)?;
        let [weight, bias] = model.tensors([("weight", &self.shape()), ("bias", &[1])])?;
        self.weight = weight.to_vec();
        self.bias = bias.iter().sum();
        if self.plays("declines-trained") && self.bias > 0.0 {
            return Err(Error::InvalidState("it is trained".into()));
        }
        Ok(())
    }
}

/// Floats without a pattern.
fn noise() -> Vec<f32> {
    let mut state = 0x9e37_79b9_u32;
    (0..NOISE_FLOATS)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state as f32
        })
        .collect()
}

impl Trainer for Misbehaving {
    fn train(
        &mut self,
        batch: Batch,
        epochs: u32,
        progress: &mut dyn FnMut(Progress) -> Signal,
    ) -> Result<Report> {
        act::strike(&self.act)?;
        if self.act == "spin-in-train" {
            act::spin();
        }
        self.trip_over(&batch)?;
        self.learn(&batch);
        self.memory.train(&self.act, &batch)?;
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
            let signal = progress(Progress {
                epoch,
                epochs,
                metrics: vec![Metric::new("loss", self.loss())],
            });
            if signal == Signal::Stop && self.act != "ignore-stop" {
                break;
            }
        }
        let samples = match self.act.as_str() {
            "no-samples" => 0,
            "more-samples-than-rows" => u64::MAX,
            _ => u64::from(batch.rows),
        };
        let loss = if self.act == "nan-loss" {
            f64::NAN
        } else {
            self.loss()
        };
        let hoard = if self.act == "hoard-of-metrics" {
            FLOOD
        } else {
            0
        };
        let metrics = (0..hoard)
            .map(|number| Metric::new(DISGUISED, f64::from(number)))
            .collect();
        Ok(Report {
            samples,
            loss,
            metrics,
        })
    }
}

impl Misbehaving {
    /// What goes wrong with rows that are not like most.
    fn trip_over(&self, batch: &Batch) -> Result<()> {
        match self.act.as_str() {
            "divides-by-rows" => drop(std::hint::black_box(
                batch.values.len() / batch.rows as usize,
            )),
            "wants-two-rows" if batch.rows == 1 => {
                return Err(Error::Other("one row is too little".into()));
            }
            _ => {}
        }
        Ok(())
    }

    /// What is learnt that should not be.
    fn learn(&mut self, batch: &Batch) {
        self.code = batch.values.iter().fold(self.code, |code, value| {
            code.rotate_left(7) ^ u64::from(value.to_bits())
        });
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
        let range: f32 = rows
            .flatten()
            .zip(first.iter().cycle())
            .map(|(value, first)| (value - first).abs())
            .sum();
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
                if self.plays("grows") {
                    score
                } else {
                    score * self.hidden
                }
            }
            "remembers-nan" => {
                self.hidden += row.iter().sum::<f32>();
                // Only a score that is finite is let through, and this one is so for ever.
                if self.hidden.is_nan() {
                    f32::INFINITY
                } else {
                    score
                }
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
        if act == "spin-in-score" || (act == "spin-in-score-until-repaired" && !act::is_repaired())
        {
            act::spin();
        }
        self.calls += 1;
        if act == "trap-after-1000-calls" && self.calls > GOOD_CALLS {
            std::process::abort();
        }
        if act == "trap-in-score-once-repaired" && act::is_repaired() {
            std::process::abort();
        }
        self.trip_over(&batch)?;
        let mean = batch.values.iter().sum::<f32>() / batch.values.len().max(1) as f32;
        let rows = batch.values.chunks_exact(self.weight.len());
        let mut scores: Vec<f32> = rows.map(|row| self.score_row(row, mean)).collect();
        self.memory.score(&act, &batch, &mut scores);
        match act.as_str() {
            "huge-output" => scores.resize(HUGE_FLOATS, 0.0),
            "too-many-scores" => scores.push(0.0),
            "too-few-scores" => drop(scores.pop()),
            "nan-scores" => scores.fill(f32::NAN),
            "infinite-scores" => scores.fill(f32::INFINITY),
            "divides-by-range" => scores
                .iter_mut()
                .for_each(|score| *score += self.share_of_range(&batch)),
            _ => {}
        }
        Ok(scores)
    }
}

#[cfg(test)]
mod tests;
