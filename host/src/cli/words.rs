//! Describes events for people who watch a run.

use fedhost_base::event::{BusEvent, Event, PluginEvent, RunEvent};
use fedhost_base::hint::with_hint;
use fedhost_domain::event::FederationEvent;

/// How important an event is; users choose the least weight that is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Weight {
    /// Something went wrong.
    Warning,
    /// Worth knowing.
    Notice,
    /// Shown only on request.
    Detail,
}

/// Returns the weight and the text of an event; `None` for events that are shown in another way.
pub(super) fn describe(event: &Event) -> Option<(Weight, String)> {
    match event {
        Event::Run(RunEvent::RunStarted { .. })
        | Event::Federation(FederationEvent::UpdateAccepted { .. })
        | Event::Federation(FederationEvent::UpdateRejected { .. })
        | Event::Federation(FederationEvent::RoundFailed { .. })
        | Event::Federation(FederationEvent::NodeTrained { .. })
        | Event::Federation(FederationEvent::NodeRefused { .. })
        | Event::Federation(FederationEvent::NodeResumed { .. })
        | Event::Federation(FederationEvent::TrainingSkipped { .. })
        | Event::Run(RunEvent::RoleRestarted { .. }) => federation(event),
        Event::Run(RunEvent::SensorFinished { .. })
        | Event::Run(RunEvent::RecordSkipped { .. })
        | Event::Bus(BusEvent::LogDamaged { .. })
        | Event::Bus(BusEvent::PartitionStalled { .. })
        | Event::Bus(BusEvent::RecordsExpired { .. })
        | Event::Bus(BusEvent::TopicDiffers { .. }) => records(event),
        Event::Bus(BusEvent::ConnectionLost { .. })
        | Event::Bus(BusEvent::ConnectionRestored { .. })
        | Event::Bus(BusEvent::StandingBy { .. })
        | Event::Run(RunEvent::Listening { .. })
        | Event::Run(RunEvent::Warned { .. }) => connections(event),
        Event::Plugin(PluginEvent::PluginQuarantined { .. })
        | Event::Plugin(PluginEvent::PluginReleased { .. })
        | Event::Plugin(PluginEvent::PluginSwapped { .. }) => plugin_changes(event),
        Event::Plugin(PluginEvent::PluginLoaded { .. })
        | Event::Plugin(PluginEvent::PluginFailed { .. })
        | Event::Plugin(PluginEvent::PluginLogged { .. })
        | Event::Plugin(PluginEvent::PluginProgress { .. }) => plugin_messages(event),
        Event::Federation(FederationEvent::RoundOpened { .. })
        | Event::Federation(FederationEvent::RoundClosed(_))
        | Event::Federation(FederationEvent::RoundEvaluated { .. })
        | Event::Run(RunEvent::RunFinished { .. }) => None,
    }
}

/// Describes events of runs, rounds, nodes and roles.
fn federation(event: &Event) -> Option<(Weight, String)> {
    use Weight::{Detail, Notice, Warning};
    Some(match event {
        Event::Run(RunEvent::RunStarted {
            manifest,
            resumed_round: 0,
            ..
        }) => (Notice, format!("running {manifest}")),
        Event::Run(RunEvent::RunStarted {
            manifest,
            resumed_round,
            ..
        }) => (
            Notice,
            format!("running {manifest}, resumed after round {resumed_round}"),
        ),
        Event::Federation(FederationEvent::UpdateAccepted { round, participant }) => {
            let (node, samples, loss) = (&participant.node, participant.samples, participant.loss);
            (
                Detail,
                format!(
                    "round {round}: update of {node} accepted: {samples} samples, loss {loss:.4}"
                ),
            )
        }
        Event::Federation(FederationEvent::UpdateRejected {
            round,
            node,
            reason,
            detail,
        }) => {
            let node = node
                .as_ref()
                .map_or("an unknown node", |node| node.as_str());
            (
                Warning,
                format!("round {round}: an update of {node} was rejected ({reason}): {detail}"),
            )
        }
        Event::Federation(FederationEvent::RoundFailed {
            round,
            answered,
            min_nodes,
        }) => (
            Warning,
            format!(
                "round {round}: the deadline has passed with {answered} updates of at least {min_nodes}; it waits for more"
            ),
        ),
        Event::Federation(FederationEvent::NodeTrained {
            node,
            round,
            samples,
            loss,
            train_ms,
        }) => (
            Detail,
            format!(
                "{node} trained for round {round} on {samples} rows in {train_ms} ms, loss {loss:.4}"
            ),
        ),
        Event::Federation(FederationEvent::NodeResumed {
            node,
            rows,
            replayed,
            round,
        }) => (
            Notice,
            format!(
                "{node} resumes after {rows} labelled rows and round {round}; it reads {replayed} records again"
            ),
        ),
        Event::Federation(FederationEvent::NodeRefused {
            node,
            round,
            reason,
            detail,
        }) => (
            Warning,
            format!(
                "{node}: the aggregator refused its update in round {round} ({reason}): {detail}"
            ),
        ),
        Event::Federation(FederationEvent::TrainingSkipped { node, rows }) => (
            Warning,
            format!("{node}: training cannot keep up and skipped {rows} labelled rows"),
        ),
        Event::Run(RunEvent::RoleRestarted { role, reason }) => (
            Warning,
            format!("{role} starts again from its stored state: {reason}"),
        ),
        _ => return None,
    })
}

/// Describes events of sensors, records and topics.
fn records(event: &Event) -> Option<(Weight, String)> {
    use Weight::{Notice, Warning};
    Some(match event {
        Event::Run(RunEvent::SensorFinished {
            node,
            sensor,
            rows,
            skipped,
        }) => {
            let skipped = if *skipped > 0 {
                format!(", {skipped} could not be read")
            } else {
                String::new()
            };
            (
                Notice,
                format!("sensor {sensor} of {node} has sent all its {rows} rows{skipped}"),
            )
        }
        Event::Run(RunEvent::RecordSkipped {
            source,
            partition,
            offset,
            reason,
            detail,
        }) => (
            Warning,
            format!("{source}: record {partition}:{offset} was skipped ({reason}): {detail}"),
        ),
        Event::Bus(BusEvent::LogDamaged(damage)) if damage.topic.is_empty() => {
            (Warning, format!("the log is damaged: {damage}"))
        }
        Event::Bus(BusEvent::LogDamaged(damage)) => (Warning, damage.to_string()),
        Event::Bus(BusEvent::PartitionStalled {
            group,
            topic,
            partition,
            next,
            end,
        }) => (
            Warning,
            format!(
                "{group} receives no records of {topic}:{partition}, although {} wait there",
                end.saturating_sub(*next)
            ),
        ),
        Event::Bus(BusEvent::RecordsExpired {
            group,
            topic,
            partition,
            from,
            to,
        }) => (
            Warning,
            with_hint(
                format_args!(
                    "records {from} to {} of {topic}:{partition} were dropped by their topic's retention before {group} read them",
                    to.saturating_sub(1)
                ),
                Some("raise its retention_ms"),
            ),
        ),
        Event::Bus(BusEvent::TopicDiffers {
            topic,
            setting,
            asked,
            found,
        }) => (
            Warning,
            format!(
                "topic {topic} has {setting} = {found}, but the manifest says {asked}; it is not changed"
            ),
        ),
        _ => return None,
    })
}

/// Describes events of connections and of parts of the process.
fn connections(event: &Event) -> Option<(Weight, String)> {
    use Weight::{Notice, Warning};
    Some(match event {
        Event::Bus(BusEvent::ConnectionLost { part, reason, hint }) => (
            Warning,
            with_hint(format_args!("{part}: {reason}"), Some(hint)),
        ),
        Event::Bus(BusEvent::ConnectionRestored { part, after_ms }) => (
            Notice,
            format!("{part} is connected again after {after_ms} ms"),
        ),
        Event::Bus(BusEvent::StandingBy { group }) => (
            Notice,
            format!("another process reads for {group}; this one waits to take over"),
        ),
        Event::Run(RunEvent::Listening { address }) => {
            (Notice, format!("listening on http://{address}"))
        }
        Event::Run(RunEvent::Warned { part, detail }) => (Warning, format!("{part}: {detail}")),
        _ => return None,
    })
}

/// Describes which plug-ins are used, and which are quarantined.
fn plugin_changes(event: &Event) -> Option<(Weight, String)> {
    use Weight::{Notice, Warning};
    Some(match event {
        Event::Plugin(PluginEvent::PluginQuarantined {
            plugin,
            part,
            call,
            failures,
            pause_ms,
            detail,
        }) => (
            Warning,
            format!(
                "plug-in {plugin} is quarantined as {part} for {pause_ms} ms: {call} failed {failures} times in a row; the last time it {detail}"
            ),
        ),
        Event::Plugin(PluginEvent::PluginSwapped {
            node,
            part,
            old,
            new,
            topic,
            first_offsets,
            state,
        }) => {
            let first = first_offsets
                .iter()
                .map(|(partition, offset)| format!("{topic}:{partition}@{offset}"));
            let first = first.collect::<Vec<_>>().join(", ");
            (
                Notice,
                format!("{node} uses {new} as {part} from {first} on, instead of {old}; {state}"),
            )
        }
        Event::Plugin(PluginEvent::PluginReleased { plugin, part }) => (
            Notice,
            format!("plug-in {plugin} is released from quarantine as {part}"),
        ),
        _ => return None,
    })
}

/// Describes what plug-ins log and report, and how they load and fail.
fn plugin_messages(event: &Event) -> Option<(Weight, String)> {
    use Weight::{Detail, Notice, Warning};
    Some(match event {
        Event::Plugin(PluginEvent::PluginLoaded {
            plugin,
            file,
            compile_ms,
        }) => (
            Notice,
            format!("plug-in {plugin} from {file}, ready in {compile_ms} ms"),
        ),
        Event::Plugin(PluginEvent::PluginFailed {
            plugin,
            call,
            kind,
            detail,
        }) => (
            Warning,
            format!("plug-in {plugin} failed in {call} ({kind}): {detail}"),
        ),
        Event::Plugin(PluginEvent::PluginLogged {
            plugin,
            instance,
            level,
            message,
        }) => {
            let weight = if level == "error" || level == "warning" {
                Warning
            } else {
                Detail
            };
            (
                weight,
                format!("{instance}: plug-in {plugin} ({level}): {message}"),
            )
        }
        Event::Plugin(PluginEvent::PluginProgress {
            instance,
            epoch,
            epochs,
            metrics,
            ..
        }) => {
            let metrics: Vec<String> = metrics
                .iter()
                .map(|metric| format!("{} {:.4}", metric.name, metric.value))
                .collect();
            (
                Detail,
                format!(
                    "{instance}: epoch {epoch} of {epochs} {}",
                    metrics.join(", ")
                ),
            )
        }
        _ => return None,
    })
}
