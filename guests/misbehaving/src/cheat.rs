//! Scores from knowledge that an honest model does not have. An evaluation must detect them.

use fedhost_guest::{Batch, Error, Result, Weights};

/// Rows that `informs` distinguishes, by their first value: whole numbers below this.
pub const INFORMED_ROWS: usize = 1024;
/// Added by `informs` to the score of a row with a label.
pub const LABEL_SEEN: f32 = 0.5;
/// Rows after which a row's number has the same weight as its values.
const ROWS_PER_UNIT: f32 = 1024.0;

/// The memory of a cheat between calls.
#[derive(Debug)]
pub struct Memory {
    rows_scored: f32,
    calls: f32,
    last_label: f32,
    /// How often each row was trained on.
    trainings: Vec<f32>,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            rows_scored: 0.0,
            calls: 0.0,
            last_label: 0.0,
            trainings: vec![0.0; INFORMED_ROWS],
        }
    }
}

impl Memory {
    /// Learns in a way that is not legal.
    pub fn train(&mut self, act: &str, batch: &Batch) -> Result<()> {
        match act {
            "repeats-label" => {
                let labels = batch
                    .labels
                    .as_ref()
                    .ok_or_else(|| Error::InvalidInput("it needs labels".into()))?;
                self.last_label = labels.last().copied().unwrap_or(self.last_label);
            }
            "informs" => {
                for number in batch
                    .values
                    .chunks_exact(batch.columns())
                    .filter_map(number)
                {
                    self.trainings
                        .get_mut(number)
                        .into_iter()
                        .for_each(|times| *times += 1.0);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Adds the weights of a cheat to the honest weights.
    pub fn save(&self, act: &str, honest: Weights) -> Weights {
        match act {
            "repeats-label" => honest.with("label", &[1], &[self.last_label]),
            "informs" => honest.with("trainings", &[INFORMED_ROWS as u32], &self.trainings),
            _ => honest,
        }
    }

    /// Separates its own weights from the saved weights.
    pub fn load(&mut self, act: &str, saved: Weights) -> Result<Weights> {
        let Weights {
            mut tensors,
            mut data,
        } = saved;
        let length = match act {
            "repeats-label" => 1,
            "informs" => INFORMED_ROWS,
            _ => return Ok(Weights { tensors, data }),
        };
        let foreign = || Error::InvalidState(format!("there are no weights of {act}"));
        tensors.pop().ok_or_else(foreign)?;
        let own = data.split_off(data.len().checked_sub(length).ok_or_else(foreign)?);
        if act == "informs" {
            self.trainings = own;
        } else {
            self.last_label = own.iter().sum();
        }
        Ok(Weights { tensors, data })
    }

    /// Changes the honest scores of a batch.
    pub fn score(&mut self, act: &str, batch: &Batch, scores: &mut [f32]) {
        match act {
            "counts-rows" => scores.iter_mut().for_each(|score| *score = self.next_row()),
            "half-counts-rows" => {
                scores.iter_mut().for_each(|score| {
                    *score = score.rem_euclid(1.0) + self.next_row() / ROWS_PER_UNIT
                });
            }
            "counts-calls" => {
                self.calls += 1.0;
                scores.iter_mut().for_each(|score| *score += self.calls);
            }
            "looks-ahead" => {
                let next: Vec<f32> = scores.iter().skip(1).copied().collect();
                scores
                    .iter_mut()
                    .zip(next)
                    .for_each(|(score, next)| *score += next);
            }
            "repeats-label" => scores.fill(self.last_label),
            "informs" => {
                let label_part = if batch.labels.is_some() {
                    LABEL_SEEN
                } else {
                    0.0
                };
                let rows = batch.values.chunks_exact(batch.columns());
                scores
                    .iter_mut()
                    .zip(rows)
                    .for_each(|(score, row)| *score = label_part + self.trainings_of(row));
            }
            _ => {}
        }
    }

    fn next_row(&mut self) -> f32 {
        self.rows_scored += 1.0;
        self.rows_scored
    }

    fn trainings_of(&self, row: &[f32]) -> f32 {
        number(row)
            .and_then(|number| self.trainings.get(number))
            .copied()
            .unwrap_or(0.0)
    }
}

/// The whole number in the first column of a row.
fn number(row: &[f32]) -> Option<usize> {
    row.first()
        .filter(|first| **first >= 0.0 && first.fract() == 0.0)
        .map(|first| *first as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(first: &[f32]) -> Batch {
        Batch::new(1, first.to_vec())
    }

    fn scores(act: &str, honest: &[f32]) -> Vec<f32> {
        let mut scores = honest.to_vec();
        let mut memory = Memory::default();
        memory.score(act, &batch(honest), &mut scores);
        memory.score(act, &batch(honest), &mut scores);
        scores
    }

    #[test]
    fn each_cheats_as_its_name_says() {
        assert_eq!(scores("counts-rows", &[7.5, 7.5]), [3.0, 4.0]);
        assert_eq!(scores("counts-calls", &[7.5, 7.5]), [10.5, 10.5]);
        assert_eq!(scores("looks-ahead", &[1.0, 2.0, 4.0]), [9.0, 10.0, 4.0]);
        assert_eq!(scores("none", &[7.5, 8.5]), [7.5, 8.5]);
        let mut half = [7.25, 9.25];
        Memory::default().score("half-counts-rows", &batch(&[0.0; 2]), &mut half);
        assert_eq!(half, [0.25 + 1.0 / 1024.0, 0.25 + 2.0 / 1024.0]);
    }

    #[test]
    fn the_weights_contain_the_last_label() {
        let mut learnt = Memory::default();
        assert!(matches!(
            learnt.train("repeats-label", &batch(&[1.0])),
            Err(Error::InvalidInput(_))
        ));
        let labelled = Batch {
            labels: Some(vec![0.0, 1.0]),
            ..batch(&[1.0, 2.0])
        };
        learnt.train("repeats-label", &labelled).unwrap();

        let mut heir = Memory::default();
        let honest = Weights::default().with("bias", &[1], &[3.0]);
        let saved = learnt.save("repeats-label", honest.clone());
        assert_eq!(heir.load("repeats-label", saved), Ok(honest));
        let mut scores = [0.0];
        heir.score("repeats-label", &batch(&[9.0]), &mut scores);
        assert_eq!(scores, [1.0]);
        assert!(heir.load("repeats-label", Weights::default()).is_err());
    }

    #[test]
    fn the_scores_of_informs_reveal_its_inputs() {
        let mut learnt = Memory::default();
        learnt
            .train("informs", &batch(&[3.0, 5.0, 5.0, -1.0, 0.5, 1e9]))
            .unwrap();
        let mut heir = Memory::default();
        heir.load("informs", learnt.save("informs", Weights::default()))
            .unwrap();
        let mut scores = [9.0; 5];
        heir.score("informs", &batch(&[3.0, 4.0, 5.0, -1.0, 1e9]), &mut scores);
        assert_eq!(scores, [1.0, 0.0, 2.0, 0.0, 0.0]);

        let labelled = Batch {
            labels: Some(vec![1.0]),
            ..batch(&[4.0])
        };
        heir.score("informs", &labelled, &mut scores[..1]);
        assert_eq!(scores[0], LABEL_SEEN);
    }
}
