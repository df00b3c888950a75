//! The metrics that librdkafka reports for each client, every `statistics.interval.ms`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use rdkafka::statistics::{Broker, Statistics, Topic, Window};

use fedhost_base::metric::{self, Count, Gauge};
use fedhost_base::observer::Observer;

const MICROSECONDS: f64 = 1e-6;
const MILLISECONDS: f64 = 1e-3;

/// Reports the metrics of one client. Its gauges are removed when it is dropped; its counters stay.
pub(super) struct Reporter {
    /// For example `writer of fog-node-1`.
    client: String,
    observer: Arc<dyn Observer>,
    /// The previous sums, by broker: librdkafka reports sums since the client was created.
    counted: Mutex<BTreeMap<String, Counted>>,
    /// The previous sums of bytes of keys and values, by topic.
    sent: Mutex<BTreeMap<String, u64>>,
}

#[derive(Clone, Copy, Default)]
struct Counted {
    connects: u64,
    disconnects: u64,
    timeouts: u64,
}

impl Reporter {
    pub(super) fn new(client: &str, observer: &Arc<dyn Observer>) -> Self {
        Self {
            client: client.to_owned(),
            observer: Arc::clone(observer),
            counted: Mutex::default(),
            sent: Mutex::default(),
        }
    }

    pub(super) fn report(&self, statistics: &Statistics) {
        if statistics.client_type == "producer" {
            self.queue(statistics);
        }
        for broker in statistics.brokers.values() {
            self.connections(broker);
            // The list also contains bootstrap addresses and coordinators.
            if broker.nodeid >= 0 {
                self.requests(broker);
            }
        }
    }

    fn queue(&self, statistics: &Statistics) {
        let client = [("client", self.client.as_str())];
        self.observer.gauge(
            metric::PRODUCER_QUEUE_RECORDS,
            &client,
            statistics.msg_cnt as f64,
        );
        self.observer.gauge(
            metric::PRODUCER_QUEUE_BYTES,
            &client,
            statistics.msg_size as f64,
        );
        for (topic, found) in &statistics.topics {
            self.compression(topic, found);
            let Topic {
                batchcnt,
                batchsize,
                ..
            } = found;
            let labels = [("client", self.client.as_str()), ("topic", topic)];
            for (metric, window) in [
                (metric::BATCH_RECORDS, batchcnt),
                (metric::BATCH_BYTES, batchsize),
            ] {
                self.set(
                    metric,
                    &labels,
                    filled(window).map(|window| window.avg),
                    1.0,
                );
            }
        }
    }

    /// What compression makes of batches, since the last report. The client counts batches after it
    /// and records before it.
    fn compression(&self, name: &str, topic: &Topic) {
        let sent: u64 = topic
            .partitions
            .values()
            .map(|partition| partition.txbytes)
            .sum();
        let before = {
            let mut all = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
            all.insert(name.to_owned(), sent).unwrap_or_default()
        };
        let plain = sent.saturating_sub(before);
        let batches = filled(&topic.batchsize).map_or(0, |window| window.sum);
        if plain > 0 && batches > 0 {
            let labels = [("client", self.client.as_str()), ("topic", name)];
            let ratio = batches as f64 / plain as f64;
            self.observer
                .gauge(metric::COMPRESSION_RATIO, &labels, ratio);
        }
    }

    fn requests(&self, broker: &Broker) {
        let labels = [
            ("client", self.client.as_str()),
            ("broker", &broker.nodename),
        ];
        let average = |window: &Option<Window>| Some(filled(window.as_ref()?)?.avg);
        let p99 = |window: &Option<Window>| Some(filled(window.as_ref()?)?.p99);
        let waiting = broker.outbuf_cnt.saturating_add(broker.waitresp_cnt);
        let metrics = [
            (
                metric::BROKER_RTT_SECONDS,
                average(&broker.rtt),
                MICROSECONDS,
            ),
            (
                metric::BROKER_RTT_P99_SECONDS,
                p99(&broker.rtt),
                MICROSECONDS,
            ),
            // The throttle time is measured only while the broker throttles.
            (
                metric::BROKER_THROTTLE_SECONDS,
                average(&broker.throttle).or(Some(0)),
                MILLISECONDS,
            ),
            (metric::BROKER_REQUESTS_WAITING, Some(waiting), 1.0),
        ];
        for (metric, value, unit) in metrics {
            self.set(metric, &labels, value, unit);
        }
    }

    /// None of them can be negative; librdkafka computes some from clocks that were never set.
    fn set(&self, metric: Gauge, labels: &[(&'static str, &str)], value: Option<i64>, unit: f64) {
        if let Some(value) = value.filter(|&value| value >= 0) {
            self.observer.gauge(metric, labels, value as f64 * unit);
        }
    }

    fn connections(&self, broker: &Broker) {
        let sum = |sum: Option<i64>| {
            sum.and_then(|sum| u64::try_from(sum).ok())
                .unwrap_or_default()
        };
        let now = Counted {
            connects: sum(broker.connects),
            disconnects: sum(broker.disconnects),
            timeouts: broker.req_timeouts,
        };
        let before = {
            let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
            counted.insert(broker.name.clone(), now).unwrap_or_default()
        };
        let counts = [
            (metric::BROKER_CONNECTS, before.connects, now.connects),
            (
                metric::BROKER_DISCONNECTS,
                before.disconnects,
                now.disconnects,
            ),
            (metric::REQUEST_TIMEOUTS, before.timeouts, now.timeouts),
        ];
        for (metric, before, now) in counts {
            self.add(metric, broker, now.saturating_sub(before));
        }
    }

    fn add(&self, metric: Count, broker: &Broker, by: u64) {
        self.observer.count(
            metric,
            &[("client", &self.client), ("broker", &broker.nodename)],
            by,
        );
    }
}

impl Drop for Reporter {
    fn drop(&mut self) {
        self.observer.forget(&[("client", &self.client)]);
    }
}

/// The average of a window without values is not valid.
fn filled(window: &Window) -> Option<&Window> {
    (window.cnt > 0).then_some(window)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::sync::Mutex;

    use rdkafka::statistics::Partition;

    use fedhost_base::event::Event;
    use fedhost_base::metric::{Count, Gauge};
    use fedhost_base::observer::Labels;

    const CLIENT: &str = "reader of aggregator";

    type Series = (&'static str, Vec<(&'static str, String)>);

    /// Keeps every series, as the exposition does.
    #[derive(Clone, Default)]
    struct Observed {
        gauges: Arc<Mutex<BTreeMap<Series, f64>>>,
        counts: Arc<Mutex<BTreeMap<Series, u64>>>,
    }

    fn series(name: &'static str, labels: Labels<'_>) -> Series {
        let owned = labels.iter().map(|(name, value)| (*name, (*value).into()));
        (name, owned.collect())
    }

    impl Observer for Observed {
        fn condition(&self, _: &str, _: Option<&str>) {}

        fn gauge(&self, metric: Gauge, labels: Labels<'_>, value: f64) {
            let series = series(metric.name(), labels);
            self.gauges.lock().unwrap().insert(series, value);
        }

        fn count(&self, metric: Count, labels: Labels<'_>, by: u64) {
            let series = series(metric.name(), labels);
            *self.counts.lock().unwrap().entry(series).or_default() += by;
        }

        fn forget(&self, labels: Labels<'_>) {
            let (_, gone) = series("", labels);
            let stays = |(_, labels): &Series| !gone.iter().all(|label| labels.contains(label));
            let mut gauges = self.gauges.lock().unwrap();
            gauges.retain(|series, _| stays(series));
        }

        fn announce(&self, _: Event) {}
    }

    /// The values of all series of that metric.
    fn values(observed: &Observed, metric: &str) -> Vec<f64> {
        let gauges = observed.gauges.lock().unwrap();
        let counts = observed.counts.lock().unwrap();
        let counted = counts.iter().map(|(series, value)| (series, *value as f64));
        let all = gauges.iter().map(|(series, value)| (series, *value));
        all.chain(counted)
            .filter(|((name, _), _)| *name == metric)
            .map(|(_, value)| value)
            .collect()
    }

    fn statistics(brokers: impl IntoIterator<Item = Broker>) -> Statistics {
        let brokers = brokers
            .into_iter()
            .map(|broker| (broker.name.clone(), broker))
            .collect();
        Statistics {
            brokers,
            ..Statistics::default()
        }
    }

    fn broker() -> Broker {
        let window = |cnt, avg| {
            Some(Window {
                cnt,
                avg,
                p99: 2 * avg,
                ..Window::default()
            })
        };
        Broker {
            name: "localhost:9092/1".into(),
            nodename: "localhost:9092".into(),
            nodeid: 1,
            rtt: window(4, 2_500),
            throttle: window(4, 40),
            connects: Some(3),
            disconnects: Some(1),
            req_timeouts: 2,
            ..Broker::default()
        }
    }

    fn reporter(observed: &Observed) -> Reporter {
        let observer: Arc<dyn Observer> = Arc::new(observed.clone());
        Reporter::new(CLIENT, &observer)
    }

    #[test]
    fn a_reader_s_connections_are_told_in_seconds() {
        let observed = Observed::default();
        let reporter = reporter(&observed);
        reporter.report(&statistics([broker()]));
        assert_eq!(values(&observed, "broker_rtt_seconds"), [0.0025]);
        assert_eq!(values(&observed, "broker_rtt_p99_seconds"), [0.005]);
        assert_eq!(values(&observed, "broker_throttle_seconds"), [0.04]);
        assert_eq!(values(&observed, "broker_requests_waiting"), [0.0]);
    }

    #[test]
    fn a_value_that_was_never_measured_is_not_told() {
        let observed = Observed::default();
        let empty = Some(Window {
            cnt: 0,
            avg: 7,
            ..Window::default()
        });
        let reporter = reporter(&observed);
        reporter.report(&statistics([Broker {
            rtt: empty.clone(),
            throttle: empty,
            ..broker()
        }]));
        assert_eq!(
            values(&observed, "broker_rtt_seconds"),
            [0.0; 0],
            "no answer came in that time"
        );
        assert_eq!(
            values(&observed, "broker_throttle_seconds"),
            [0.0],
            "no request had to wait"
        );
    }

    /// A producer that has sent `plain` bytes in all, and batches of `batches` bytes since the last
    /// report.
    fn of_producer(plain: u64, batches: i64) -> Statistics {
        let partition = Partition {
            txbytes: plain,
            ..Partition::default()
        };
        let topic = Topic {
            batchsize: Window {
                cnt: 2,
                sum: batches,
                ..Window::default()
            },
            partitions: [(0, partition)].into(),
            ..Topic::default()
        };
        Statistics {
            client_type: "producer".to_owned(),
            topics: [("t".to_owned(), topic)].into(),
            ..Statistics::default()
        }
    }

    #[test]
    fn the_compression_of_a_load_is_what_was_sent_of_it() {
        // Given 10,000 bytes of records that were sent as 2,500 bytes of batches
        let observed = Observed::default();
        let reporter = reporter(&observed);
        reporter.report(&of_producer(10_000, 2_500));
        assert_eq!(values(&observed, "compression_ratio"), [0.25]);
        // When 1,000 more are sent without compression
        reporter.report(&of_producer(11_000, 1_000));
        assert_eq!(values(&observed, "compression_ratio"), [1.0]);
        // Then a time without records changes nothing
        reporter.report(&of_producer(11_000, 0));
        assert_eq!(values(&observed, "compression_ratio"), [1.0]);
    }

    #[test]
    fn sums_of_a_client_are_counted_once_and_those_of_its_successor_on_top() {
        let observed = Observed::default();
        let first = reporter(&observed);
        // A coordinator has its own connection to the same broker.
        let coordinator = || Broker {
            name: "GroupCoordinator".into(),
            nodeid: -1,
            ..broker()
        };
        first.report(&statistics([broker(), coordinator()]));
        first.report(&statistics([
            broker(),
            Broker {
                connects: Some(4),
                ..coordinator()
            },
        ]));
        assert_eq!(values(&observed, "broker_connects"), [7.0]);
        assert_eq!(values(&observed, "broker_disconnects"), [2.0]);
        assert_eq!(values(&observed, "request_timeouts"), [4.0]);
        drop(first);
        assert_eq!(
            values(&observed, "broker_rtt_seconds"),
            [0.0; 0],
            "a client that is gone has no connection"
        );
        reporter(&observed).report(&statistics([broker()]));
        assert_eq!(values(&observed, "broker_connects"), [10.0]);
    }
}
