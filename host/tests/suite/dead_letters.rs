//! What an operator does with dead-letter records, on every bus. Apache Kafka is the cluster that
//! `KAFKA_BOOTSTRAP_SERVERS` names.

#[path = "../../bus/tests/suite/conformance/case.rs"]
#[expect(
    dead_code,
    reason = "nothing is tried on the mocked cluster, which deletes no records; how partitions are shared is tried in the suite of the bus"
)]
mod case;
mod cut_off;
#[cfg(feature = "broker-tests")]
#[path = "../../bus/tests/suite/conformance/kafka.rs"]
#[expect(
    dead_code,
    reason = "nothing is tried on the mocked cluster, which deletes no records"
)]
mod kafka;
mod purging;
mod reading;
mod replaying;
mod scene;

/// A test of each promise on each bus.
macro_rules! on_every_bus {
    ($($about:ident: [$($promise:ident),* $(,)?]),* $(,)?) => {
        on_every_bus!(@on embedded_log, EmbeddedLog, $($about: [$($promise),*]),*);
        #[cfg(feature = "broker-tests")]
        on_every_bus!(@on kafka_exactly_once, KafkaExactlyOnce, $($about: [$($promise),*]),*);
        #[cfg(feature = "broker-tests")]
        on_every_bus!(@on kafka_at_least_once, KafkaAtLeastOnce, $($about: [$($promise),*]),*);
    };
    (@on $name:ident, $bus:ident, $($about:ident: [$($promise:ident),*]),*) => {
        mod $name {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $promise() {
                    crate::dead_letters::$about::$promise(crate::dead_letters::scene::On::$bus).await;
                }
            )*)*
        }
    };
}

on_every_bus!(
    purging: [
        a_purge_without_a_bound_deletes_everything,
        a_purge_stops_at_its_place,
        a_purge_keeps_what_failed_since_a_time,
        what_a_purge_left_is_replayed_as_before,
    ],
    reading: [
        letters_are_counted_by_reason,
        a_topic_without_letters_has_none,
        a_topic_that_is_not_there_is_named,
        letters_that_arrive_meanwhile_are_left_for_later,
        letters_that_are_purged_meanwhile_are_not_waited_for,
        only_what_offsets_admit_is_read,
    ],
    replaying: [
        every_letter_goes_back_to_where_it_came_from_once,
        what_a_filter_left_out_is_replayed_later_and_nothing_twice,
        a_replay_from_the_middle_leaves_the_beginning_for_later,
        a_replay_stops_at_its_limit_and_goes_on_from_there,
        a_replay_that_is_stopped_goes_on_without_repeating,
        a_replay_that_is_cut_off_before_or_after_any_write_goes_on_without_repeating,
        a_dry_run_changes_nothing,
        again_begins_at_the_oldest_letter,
        a_record_that_fails_again_and_again_stops_going_round,
        a_letter_of_another_topic_is_not_put_on_this_one,
        a_replay_keeps_to_its_rate,
    ],
);
