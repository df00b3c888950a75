//! Events in words, for people who watch a run.

use fedhost_base::hint::with_hint;
use fedhost_domain::event::Event;

/// How much somebody must want to know to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Weight {
    /// Something went wrong.
    Warning,
    /// Worth knowing.
    Notice,
    /// For those who want everything.
    Detail,
}

/// `None` for events that are shown in another way.
pub(super) fn describe(event: &Event) -> Option<(Weight, String)> {
    use Weight::{Detail, Notice, Warning};
    Some(match event {
        Event::RunStarted {
            manifest,
            resumed_round: 0,
            ..
        } => (Notice, format!("running {manifest}")),
        Event::RunStarted {
            manifest,
            resumed_round,
            ..
        } => (
            Notice,
            format!("running {manifest}, going on after round {resumed_round}"),
        ),
        Event::UpdateAccepted { round, participant } => {
            let (node, samples, loss) = (&participant.node, participant.samples, participant.loss);
            (
                Detail,
                format!(
                    "round {round}: {node} has answered with {samples} samples, loss {loss:.4}"
                ),
            )
        }
        Event::UpdateRejected {
            round,
            node,
            reason,
            detail,
        } => {
            let node = node.as_ref().map_or("somebody", |node| node.as_str());
            (
                Warning,
                format!("round {round}: an update of {node} was rejected ({reason}): {detail}"),
            )
        }
        Event::RoundFailed {
            round,
            answered,
            min_nodes,
        } => (
            Warning,
            format!(
                "round {round}: its time is up, but only {answered} of at least {min_nodes} nodes have answered; it goes on waiting"
            ),
        ),
        Event::NodeTrained {
            node,
            round,
            samples,
            loss,
            train_ms,
        } => (
            Detail,
            format!(
                "{node} trained for round {round} on {samples} rows in {train_ms} ms, loss {loss:.4}"
            ),
        ),
        Event::NodeResumed {
            node,
            rows,
            replayed,
            round,
        } => (
            Notice,
            format!(
                "{node} goes on after {rows} labelled rows and round {round}; {replayed} records are read again"
            ),
        ),
        Event::TrainingSkipped { node, rows } => (
            Warning,
            format!("{node}: training cannot keep up and moved on over {rows} labelled rows"),
        ),
        Event::SensorFinished {
            node,
            sensor,
            rows,
            skipped,
        } => {
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
        Event::RecordSkipped {
            source,
            partition,
            offset,
            reason,
            detail,
        } => (
            Warning,
            format!("{source}: record {partition}:{offset} was skipped ({reason}): {detail}"),
        ),
        Event::LogDamaged(damage) if damage.topic.is_empty() => {
            (Warning, format!("the log is damaged: {damage}"))
        }
        Event::LogDamaged(damage) => (Warning, damage.to_string()),
        Event::ConnectionLost { part, reason, hint } => (
            Warning,
            with_hint(format_args!("{part}: {reason}"), Some(hint)),
        ),
        Event::ConnectionRestored { part, after_ms } => {
            (Notice, format!("{part} works again, after {after_ms} ms"))
        }
        Event::StandingBy { group } => (
            Notice,
            format!("another process reads for {group}; this one waits to take over from it"),
        ),
        Event::PartitionStalled {
            group,
            topic,
            partition,
            next,
            end,
        } => (
            Warning,
            format!(
                "{group} gets nothing of {topic}:{partition}, though {} records wait there",
                end.saturating_sub(*next)
            ),
        ),
        Event::RecordsExpired {
            group,
            topic,
            partition,
            from,
            to,
        } => (
            Warning,
            with_hint(
                format_args!(
                    "records {from} to {} of {topic}:{partition} were dropped by their topic's retention before {group} read them",
                    to.saturating_sub(1)
                ),
                Some("raise its retention_ms"),
            ),
        ),
        Event::Listening { address } => (Notice, format!("listening on http://{address}")),
        Event::RoleRestarted { role, reason } => (
            Warning,
            format!("{role} begins again from what it has stored: {reason}"),
        ),
        Event::TopicDiffers {
            topic,
            setting,
            asked,
            found,
        } => (
            Warning,
            format!(
                "topic {topic} has {setting} = {found}, and the manifest asks for {asked}; it is left as it is"
            ),
        ),
        Event::Warned { part, detail } => (Warning, format!("{part}: {detail}")),
        Event::PluginLoaded {
            plugin,
            file,
            compile_ms,
        } => (
            Notice,
            format!("plug-in {plugin} from {file}, ready in {compile_ms} ms"),
        ),
        Event::PluginFailed {
            plugin,
            call,
            kind,
            detail,
        } => (
            Warning,
            format!("plug-in {plugin} failed in {call} ({kind}): {detail}"),
        ),
        Event::PluginQuarantined {
            plugin,
            part,
            call,
            failures,
            pause_ms,
            detail,
        } => (
            Warning,
            format!(
                "plug-in {plugin} is left alone as {part} for {pause_ms} ms: {call} failed {failures} times in a row, at last because it {detail}"
            ),
        ),
        Event::PluginSwapped {
            node,
            part,
            old,
            new,
            topic,
            first_offsets,
            state,
        } => {
            let first = first_offsets
                .iter()
                .map(|(partition, offset)| format!("{topic}:{partition}@{offset}"));
            let first = first.collect::<Vec<_>>().join(", ");
            (
                Notice,
                format!("{node} has {new} as {part} from {first} on, in place of {old}; {state}"),
            )
        }
        Event::PluginReleased { plugin, part } => {
            (Notice, format!("plug-in {plugin} works again as {part}"))
        }
        Event::PluginLogged {
            plugin,
            instance,
            level,
            message,
        } => {
            let weight = if level == "error" || level == "warning" {
                Warning
            } else {
                Detail
            };
            (
                weight,
                format!("{instance}: plug-in {plugin} says ({level}): {message}"),
            )
        }
        Event::PluginProgress {
            instance,
            epoch,
            epochs,
            metrics,
            ..
        } => {
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
        Event::RoundOpened { .. }
        | Event::RoundClosed(_)
        | Event::RoundEvaluated { .. }
        | Event::RunFinished { .. } => {
            return None;
        }
    })
}
