use std::ops::ControlFlow;

use fedhost_dataset::{ReadOptions, Sources, Storage};

use super::*;

/// Two files of one column that numbers all rows; every fourth row is anomalous.
fn corpus() -> Corpus {
    let home = tempfile::tempdir().unwrap();
    for (file, rows) in [("a.csv", 0..10), ("b.csv", 10..17)] {
        let lines: String = rows
            .map(|row| format!("{row},{}\n", u8::from(row % 4 == 3)))
            .collect();
        std::fs::write(home.path().join(file), format!("x,anomaly\n{lines}")).unwrap();
    }
    let options = ReadOptions {
        label: Some("anomaly".into()),
        ..ReadOptions::default()
    };
    Corpus::open(
        &Storage::default(),
        &Sources::labelled(&[format!("{}/*.csv", home.path().display())]),
        &options,
        |_| ControlFlow::Continue(()),
    )
    .unwrap()
}

fn schedule(protocol: &str, corpus: &Corpus) -> Schedule {
    Schedule::new(protocol.parse().unwrap(), corpus, 7).unwrap()
}

/// The rows of parts, as they are read a block at a time.
fn read(parts: &[Part], corpus: &Corpus, rows: usize) -> Vec<f32> {
    let (mut values, mut block) = (Vec::new(), Block::default());
    for part in parts {
        let mut blocks = part.blocks(corpus, rows);
        while blocks.next(&mut block).unwrap() {
            assert!(block.labels.len() <= rows);
            assert!(
                block
                    .values
                    .iter()
                    .zip(&block.labels)
                    .all(|(row, &label)| (*row as u64 % 4 == 3) == label)
            );
            values.extend(&block.values);
        }
    }
    values
}

#[test]
fn rows_to_train_on_and_to_score_are_the_protocols_whatever_the_blocks() {
    let corpus = corpus();
    let schedule = schedule("split:0.5", &corpus);
    let [life] = &schedule.lives[..] else {
        panic!("one model")
    };
    for rows in [1, 3, 100] {
        assert_eq!(
            read(&life.train, &corpus, rows),
            [0.0, 1.0, 2.0, 3.0, 4.0, 10.0, 11.0, 12.0, 13.0]
        );
        assert_eq!(
            read(&life.score, &corpus, rows),
            [5.0, 6.0, 7.0, 8.0, 9.0, 14.0, 15.0, 16.0]
        );
    }
    assert_eq!((schedule.training_rows(), schedule.scored_rows()), (9, 8));
}

#[test]
fn a_shuffle_uses_each_row_once_in_an_order_of_its_own() {
    let corpus = corpus();
    let schedule = schedule("stratified:0.7", &corpus);
    let [life] = &schedule.lives[..] else {
        panic!("one model")
    };
    let mut all = read(&life.train, &corpus, 4);
    all.extend(read(&life.score, &corpus, 4));
    assert!(!all.is_sorted());
    all.sort_by(f32::total_cmp);
    assert_eq!(all, (0..17).map(|row| row as f32).collect::<Vec<_>>());
    let head: Vec<Part> = life.score.iter().map(|part| part.head(2)).collect();
    assert_eq!(
        read(&head, &corpus, 100),
        read(&life.score, &corpus, 100)[..2]
    );
}

#[test]
fn nothing_is_trained_on_before_a_prequential_evaluation() {
    let corpus = corpus();
    for (protocol, models) in [("prequential:3", 2), ("shuffled-prequential:3", 1)] {
        let schedule = schedule(protocol, &corpus);
        assert_eq!(
            (schedule.lives.len(), schedule.delay_rows),
            (models, Some(3)),
            "{protocol}"
        );
        assert_eq!(
            (schedule.training_rows(), schedule.scored_rows()),
            (0, 17),
            "{protocol}"
        );
    }
}

#[test]
fn every_scored_row_is_known_by_its_file_and_number() {
    let corpus = corpus();
    let mut rows = Vec::new();
    schedule("by-file:0.5", &corpus)
        .each_scored(&corpus, |row| rows.push((row.series, row.file, row.number)));
    assert_eq!(
        rows,
        (0..7).map(|number| (1, 1, number)).collect::<Vec<_>>()
    );
}

#[test]
fn rows_that_are_trained_on_are_known_as_such() {
    let corpus = corpus();
    let uses = schedule("split:0.5", &corpus).uses(&corpus);
    let trained: Vec<u64> = (0..17).filter(|&row| uses.is_trained_on(row)).collect();
    assert_eq!(trained, [0, 1, 2, 3, 4, 10, 11, 12, 13]);
}
