//! Members of a group that share partitions, one of them behind a spool.

use fedhost_base::event::{Event, RunEvent};
use fedhost_bus::{Admin, Assignment, Bus, Member, MemberEvent, NewRecord, Sink, Start, Write};

use super::support::{Bench, Mood, TOPIC, close, numbered, record, within_a_minute, write};

/// Some input in both partitions.
async fn input(bench: &Bench) {
    let new = |partition: u32| NewRecord {
        partition: Some(partition),
        ..record("input".to_owned())
    };
    let records = vec![new(0), new(1)];
    let write = Write {
        records,
        ..Write::default()
    };
    bench.remote.log.write(write).await.expect("written");
}

async fn assigned(member: &mut dyn Member) -> Vec<Assignment> {
    loop {
        if let MemberEvent::Assigned(assigned) = member.next(10).await.expect("an event") {
            return assigned;
        }
    }
}

/// Reads until partitions are to be given up.
async fn revoked(member: &mut dyn Member) -> Vec<(std::sync::Arc<str>, u32)> {
    loop {
        if let MemberEvent::Revoking { partitions, .. } = member.next(10).await.expect("an event") {
            return partitions;
        }
    }
}

fn result(of: &Assignment) -> Write {
    Write {
        offsets: vec![of.offset(of.next + 1)],
        ..numbered(format!("result {}", of.partition))
    }
}

fn left_out(event: &Event) -> bool {
    matches!(event, Event::Run(RunEvent::Warned { detail, .. }) if detail.contains("was left out"))
}

#[tokio::test]
async fn a_partition_is_given_up_once_the_writes_before_have_arrived() {
    within_a_minute(async {
        let bench = Bench::new().await;
        input(&bench).await;
        // Given a member whose results wait in its spool
        let spool = bench.open().await;
        let mut member = spool.join("g", &[TOPIC], Start::Earliest).await.unwrap();
        let own = assigned(&mut *member).await;
        assert_eq!(own.len(), 2);
        bench.remote.is(Mood::Away);
        for partition in &own {
            write(&spool, result(partition)).await;
        }
        // When another one joins, and the first releases a partition
        let log = &bench.remote.log;
        let mut other = log.join("g", &[TOPIC], Start::Earliest).await.unwrap();
        let leaving = revoked(&mut *member).await;
        member.release(&leaving);
        bench.remote.is(Mood::Well);
        // Then the other begins behind the results, which have arrived by then
        let going_on = async {
            while let MemberEvent::Records(_) = member.next(10).await.expect("an event") {}
        };
        let new = tokio::select! {
            new = assigned(&mut *other) => new,
            () = going_on => panic!("it keeps what it has"),
        };
        assert_eq!((new.len(), new[0].partition), (1, leaving[0].1));
        assert!(new[0].next > own[0].next, "{new:?}");
        drop((member, other));
        close(&spool).await;
        assert_eq!(bench.recorder.count(left_out), 0);
    })
    .await;
}

#[tokio::test]
async fn writes_of_a_member_that_is_gone_are_left_out() {
    within_a_minute(async {
        let bench = Bench::new().await;
        input(&bench).await;
        let spool = bench.open().await;
        let mut member = spool.join("g", &[TOPIC], Start::Earliest).await.unwrap();
        let own = assigned(&mut *member).await;
        // Given results that wait when their member goes away
        bench.remote.is(Mood::Away);
        for partition in &own {
            write(&spool, result(partition)).await;
        }
        drop((member, spool));
        // When another one has the partitions
        let log = &bench.remote.log;
        let mut other = log.join("g", &[TOPIC], Start::Earliest).await.unwrap();
        let new = assigned(&mut *other).await;
        assert_eq!(new[0].next, own[0].next);
        log.write(result(&new[0])).await.unwrap();
        // Then they do not arrive any more, and no offset moves back
        bench.remote.is(Mood::Well);
        let spool = bench.open().await;
        write(&spool, numbered("later")).await;
        close(&spool).await;
        let results = bench.remote.arrived().await;
        assert_eq!(results, ["input", "result 0", "later"]);
        let stored = log.group_offsets("g").await.unwrap();
        assert_eq!((stored.len(), stored[0].next), (1, new[0].next + 1));
        assert_eq!(bench.recorder.count(left_out), 2);
    })
    .await;
}
