//! A cluster as a bus: one client of it for each role.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::{OnceCell, oneshot};

use super::admin::ClusterAdmin;
use super::catalogue::Catalogue;
use super::chunks;
use super::groups::Groups;
use super::missing_topics::MissingTopics;
use super::source::{KafkaMember, KafkaSource, Sharing};
use super::state::{Hidden, StateReader};
use super::writer::{Checker, Writer};
use super::{Cluster, Delivery, Options};
use crate::limits::BrokerLimits;
use crate::{
    Admin, Bus, Error, GroupOffset, Member, Position, Record, Sink, Source, Start, TopicInfo,
    TopicSpec, Write,
};

/// Access to a cluster. Cheap to clone; the views share what is known about topics and readers.
#[derive(Clone)]
pub struct Kafka {
    options: Options,
    groups: Arc<Groups>,
    catalogue: Arc<Catalogue>,
    admin: ClusterAdmin,
}

impl Kafka {
    /// Sends no request before the first call.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let (groups, catalogue) = (Arc::new(Groups::default()), Arc::new(Catalogue::default()));
        let admin = ClusterAdmin::new(&options, &catalogue);
        Self {
            options,
            groups,
            catalogue,
            admin,
        }
    }

    /// Connects to the cluster and lists its topics.
    ///
    /// # Errors
    /// [`Error::Unreachable`] or [`Error::Refused`].
    pub async fn connect(options: Options) -> Result<Self, Error> {
        let (kafka, request) = (Self::new(options.clone()), options.request);
        kafka.reach(request).await?;
        Ok(kafka)
    }

    /// Connects to the cluster within that time and lists its topics.
    ///
    /// # Errors
    /// As [`Kafka::connect`].
    pub async fn reach(&self, within: Duration) -> Result<(), Error> {
        self.admin.within(within).topics().await.map(drop)
    }

    /// The cluster's id and brokers.
    ///
    /// # Errors
    /// As [`Kafka::connect`].
    pub async fn cluster(&self) -> Result<Cluster, Error> {
        self.admin.cluster().await
    }

    /// The size limits of every broker, as far as the cluster reports them.
    ///
    /// # Errors
    /// As [`Kafka::connect`].
    pub async fn broker_limits(&self) -> Result<BrokerLimits, Error> {
        self.admin.broker_limits().await
    }

    /// The client of the role of that name, with these options. Between processes a name has one
    /// writer: with transactions, a later writer fences an earlier one.
    #[must_use]
    pub fn role_client(&self, role: &str, options: Options) -> RoleClient {
        let kafka = Self {
            options,
            ..self.clone()
        };
        let state = StateReader::new(kafka.options.clone());
        let checker = Arc::new(Checker::new(role, &kafka.options, &kafka.catalogue));
        let missing = MissingTopics::new(role, &kafka.options, &kafka.admin, &kafka.catalogue);
        let (writer, unshown, departures) =
            (OnceCell::new(), AtomicBool::new(false), Mutex::default());
        RoleClient {
            role: role.to_owned(),
            has_no_role: false,
            kafka,
            state,
            checker,
            missing,
            writer,
            unshown,
            departures,
        }
    }

    /// A client without a role, so there is no writer to fence; several clients may use the same
    /// name.
    #[must_use]
    pub fn roleless_client(&self, name: &str, options: Options) -> RoleClient {
        let mut client = self.role_client(name, options);
        client.has_no_role = true;
        client
    }
}

/// One role's client of a cluster.
pub struct RoleClient {
    role: String,
    /// It only reads the state of roles.
    has_no_role: bool,
    kafka: Kafka,
    state: StateReader,
    checker: Arc<Checker>,
    missing: MissingTopics,
    /// Starts when this process becomes a group's reader, with the first write, or with the first
    /// read of state. It must not start earlier, because it fences an earlier process of the role.
    writer: OnceCell<Writer>,
    /// A transaction was committed whose records may not be readable yet.
    unshown: AtomicBool,
    /// Resolve when its readers have left their groups.
    departures: Mutex<Vec<oneshot::Receiver<()>>>,
}

impl RoleClient {
    async fn writer(&self) -> Result<&Writer, Error> {
        let Kafka {
            options,
            groups,
            catalogue,
            ..
        } = &self.kafka;
        let start = || {
            Writer::start(
                &self.role,
                options,
                Arc::clone(groups),
                Arc::clone(catalogue),
            )
        };
        self.writer.get_or_try_init(start).await
    }

    /// Ends the transaction that an earlier process of this role may have left open: until then,
    /// the offsets in it are not visible.
    async fn take_over(&self) -> Result<(), Error> {
        if !self.has_no_role && self.kafka.options.delivery == Delivery::ExactlyOnce {
            self.writer().await?;
        }
        Ok(())
    }

    /// Looks up topics that were created after the connection. The writer must know its topics
    /// before it starts.
    async fn meet_topics(&self, write: &Write) -> Result<(), Error> {
        let mut met = None;
        for topic in write.records.iter().map(|record| &record.topic) {
            // Most writes go to one topic.
            if met == Some(topic) {
                continue;
            }
            if !self.kafka.catalogue.knows(topic) {
                self.kafka.admin.topic(topic).await?;
            }
            self.kafka.catalogue.adopt(topic);
            met = Some(topic);
        }
        Ok(())
    }

    /// Makes the writes of this client visible to the next read. A commit is acknowledged before its
    /// records are readable, and the next transaction begins when they are. If the cluster does not
    /// answer, this does nothing, and the read itself returns the error.
    async fn show_written(&self) {
        if !self.unshown.swap(false, Ordering::Relaxed) {
            return;
        }
        if let Some(writer) = self.writer.get() {
            let next = writer.write(Write::default());
            drop(tokio::time::timeout(self.kafka.options.request, next).await);
        }
    }

    async fn reader(
        &self,
        group: &str,
        topics: &[&str],
        start: Start,
        sharing: Sharing,
    ) -> Result<KafkaSource, Error> {
        self.show_written().await;
        let Kafka {
            options, groups, ..
        } = &self.kafka;
        let group = options.group(group);
        let mut source = KafkaSource::subscribe(
            options,
            groups,
            &group,
            topics,
            start,
            sharing,
            self.take_over(),
        )
        .await?;
        self.departures
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(source.departure());
        Ok(source)
    }

    /// Waits until dropped readers have left their groups, so that other members need not wait for
    /// them; carries out the accepted writes, and ends the writer. What takes longer than `within`
    /// ends in the background.
    pub async fn close(&self, within: Duration) {
        let departures = std::mem::take(
            &mut *self
                .departures
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        let left = async {
            for departure in departures {
                drop(departure.await);
            }
        };
        let written = async {
            if let Some(writer) = self.writer.get() {
                writer.close().await;
            }
        };
        drop(tokio::time::timeout(within, async { tokio::join!(left, written) }).await);
    }
}

#[async_trait]
impl Sink for RoleClient {
    async fn write(&self, mut write: Write) -> Result<Vec<Position>, Error> {
        for offset in &mut write.offsets {
            offset.group = self.kafka.options.group(&offset.group);
        }
        self.meet_topics(&write).await?;
        let topics = self.missing.of(&write);
        let writer = self.writer().await?;
        let written = self.missing.watch(&topics, writer.write(write)).await?;
        self.unshown.store(
            self.kafka.options.delivery == Delivery::ExactlyOnce,
            Ordering::Relaxed,
        );
        Ok(written)
    }

    async fn check(&self, write: &Write) -> Result<(), Error> {
        self.checker.check(write.clone()).map(drop)
    }
}

#[async_trait]
impl Admin for RoleClient {
    async fn create_topic(&self, spec: TopicSpec) -> Result<TopicInfo, Error> {
        self.kafka.admin.create_topic(spec).await
    }

    async fn topics(&self) -> Result<Vec<TopicInfo>, Error> {
        self.show_written().await;
        self.kafka.admin.topics().await
    }

    async fn hides(&self, topic: &str) -> Result<bool, Error> {
        self.kafka.admin.hides(topic).await
    }

    async fn group_offsets(&self, group: &str) -> Result<Vec<GroupOffset>, Error> {
        let offsets = self
            .kafka
            .admin
            .group_offsets(&self.kafka.options.group(group))
            .await?;
        Ok(offsets
            .into_iter()
            .map(|offset| GroupOffset {
                group: group.to_owned(),
                ..offset
            })
            .collect())
    }

    async fn newest(&self, topic: &str) -> Result<Vec<Record>, Error> {
        self.show_written().await;
        self.kafka.admin.newest(topic).await
    }

    async fn first_from(
        &self,
        topic: &str,
        partition: u32,
        from: u64,
    ) -> Result<Option<Record>, Error> {
        self.show_written().await;
        self.kafka.admin.first_from(topic, partition, from).await
    }

    async fn delete_records(&self, topic: &str, partition: u32, before: u64) -> Result<(), Error> {
        self.show_written().await;
        self.kafka
            .admin
            .delete_records(topic, partition, before)
            .await
    }

    /// The writer starts first: it ends a transaction that an earlier process of this role left
    /// open.
    async fn state(&self, name: &str) -> Result<Option<Bytes>, Error> {
        if self.has_no_role {
            return self.state.get(name, Hidden::LeftOut).await;
        }
        self.writer().await?;
        self.state.get(name, Hidden::Awaited).await
    }

    fn record_bytes_max(&self, topic: &TopicSpec) -> u64 {
        chunks::record_bytes_max(topic.max_message_bytes)
    }
}

#[async_trait]
impl Bus for RoleClient {
    async fn subscribe(
        &self,
        group: &str,
        topics: &[&str],
        start: Start,
    ) -> Result<Box<dyn Source>, Error> {
        let source = self.reader(group, topics, start, Sharing::Whole).await?;
        Ok(Box::new(source))
    }

    async fn join(
        &self,
        group: &str,
        topics: &[&str],
        start: Start,
    ) -> Result<Box<dyn Member>, Error> {
        let source = self.reader(group, topics, start, Sharing::Shared).await?;
        Ok(Box::new(KafkaMember(source)))
    }
}
