use super::*;

fn files(rows: &[(&str, u64)]) -> Vec<DataFile> {
    let source = |(number, &(folder, rows)): (usize, &(&str, u64))| DataFile {
        name: format!("{folder}/{number}.csv"),
        folder: folder.into(),
        rows,
    };
    rows.iter().enumerate().map(source).collect()
}

fn plan(protocol: &str, rows: &[(&str, u64)]) -> Result<Vec<Session>, PlanError> {
    match protocol.parse::<Protocol>().unwrap().plan(&files(rows))? {
        Plan::Ordered(sessions) | Plan::Prequential { sessions, .. } => Ok(sessions),
        Plan::Shuffled { .. } => Ok(Vec::new()),
    }
}

fn stretches(stretches: &[(usize, Range<u64>)]) -> Vec<RowRange> {
    stretches
        .iter()
        .map(|(file, rows)| RowRange {
            file: *file,
            rows: rows.clone(),
        })
        .collect()
}

#[test]
fn a_protocol_is_written_as_it_is_read() {
    for text in [
        "prefix:400",
        "split:0.7",
        "by-file:0.5",
        "stratified:0.7",
        "prequential:100",
        "shuffled-prequential:1",
    ] {
        assert_eq!(text.parse::<Protocol>().unwrap().to_string(), text);
    }
    for text in [
        "",
        "prefix",
        "prefix:0",
        "prefix:-1",
        "split:0",
        "split:1",
        "split:nan",
        "by-file:x",
        "cross:5",
    ] {
        let error = text.parse::<Protocol>().unwrap_err().to_string();
        assert!(error.contains("hint: write prefix:ROWS"), "{error}");
    }
}

#[test]
fn a_prefix_is_trained_on_in_every_file_by_itself() {
    let sessions = plan("prefix:400", &[("a", 1_000), ("a", 401)]).unwrap();
    let session = |file, rows| Session {
        train: stretches(&[(file, 0..400)]),
        score: stretches(&[(file, 400..rows)]),
    };
    assert_eq!(sessions, [session(0, 1_000), session(1, 401)]);
    let error = plan("prefix:400", &[("a", 1_000), ("a", 400)])
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("a/1.csv has 400 rows, and prefix:400 leaves none"),
        "{error}"
    );
}

#[test]
fn a_split_trains_one_model_on_the_beginnings() {
    let [session] = plan("split:0.5", &[("a", 10), ("b", 5)])
        .unwrap()
        .try_into()
        .unwrap();
    assert_eq!(session.train, stretches(&[(0, 0..5), (1, 0..3)]));
    assert_eq!(session.score, stretches(&[(0, 5..10), (1, 3..5)]));
    assert!(matches!(
        plan("split:0.1", &[("a", 3)]),
        Err(PlanError::EmptyShare {
            train: 0,
            score: 3,
            ..
        })
    ));
}

#[test]
fn whole_files_are_divided_folder_by_folder() {
    let [session] = plan(
        "by-file:0.7",
        &[("b", 1), ("a", 2), ("a", 3), ("a", 4), ("b", 5)],
    )
    .unwrap()
    .try_into()
    .unwrap();
    let whole = |numbers: &[(usize, u64)]| {
        stretches(
            &numbers
                .iter()
                .map(|&(file, rows)| (file, 0..rows))
                .collect::<Vec<_>>(),
        )
    };
    assert_eq!(session.train, whole(&[(1, 2), (2, 3), (0, 1)]));
    assert_eq!(session.score, whole(&[(3, 4), (4, 5)]));
    assert!(plan("by-file:0.4", &[("a", 1)]).is_err());
}

#[test]
fn prequential_evaluation_scores_every_row() {
    let sessions = plan("prequential:100", &[("a", 7), ("a", 9)]).unwrap();
    assert!(sessions.iter().all(|session| session.train.is_empty()));
    assert_eq!(sessions[1].score, stretches(&[(1, 0..9)]));
}
