//! A component's identity, what it asks for and what it used.

use maud::{Markup, html};

use super::super::words::{bytes, percent};
use crate::report::words::{count, plural, span};
use fedhost_evaluate::{Document, PluginResult};
use fedhost_plugin::{Inspection, Limits};

/// Name and value, those that are known.
pub(super) fn facts(document: &Document, result: &PluginResult) -> Markup {
    html! {
        dl.facts {
            dt { "component" } dd { (result.card.file) @if let Some(component) = &result.component { ", " (bytes(component.size_bytes as u64)) } }
            @if let Some(sha256) = &result.card.sha256 { dt { "sha256" } dd { code { (sha256) } } }
            @if let Some(component) = &result.component { (origin(component)) }
            dt { "parameters" } dd { (parameters(result)) }
            dt { "labels to train with" } dd { @if result.labelled { "given" } @else { "not given" } }
            dt { "calls" }
            @if result.calls > 0 {
                dd { (count(result.calls)) }
                dt { "peak memory" } dd { (memory(result.peak_memory_bytes, &document.limits)) }
                dt { "time" } dd { (time(result)) }
            } @else {
                dd { "none beyond warming up, which is not counted" }
            }
            @if let Some(fuel) = result.fuel { dt { "work" } dd { (count(fuel)) " units" } }
            @if result.said.progress_reports > 0 { dt { "progress" } dd { (plural(result.said.progress_reports, "report")) } }
        }
    }
}

fn origin(component: &Inspection) -> Markup {
    let tools = component
        .producers
        .iter()
        .map(|tool| format!("{} {}", tool.name, tool.version).trim().to_owned());
    let tools: Vec<String> = tools.collect();
    html! {
        dt { "imports" } dd { (interfaces(&component.imports)) }
        dt { "exports" } dd { (interfaces(&component.exports)) }
        @if !tools.is_empty() { dt { "made with" } dd { (tools.join(", ")) } }
        @if let Some(licence) = &component.licence { dt { "licence" } dd { (licence) } }
    }
}

fn interfaces(names: &[String]) -> Markup {
    html! {
        @if names.is_empty() { "none" }
        @for (index, name) in names.iter().enumerate() { @if index > 0 { ", " } code { (name) } }
    }
}

fn parameters(result: &PluginResult) -> Markup {
    html! {
        @if result.card.parameters.is_empty() { "none" }
        @for (index, (name, value)) in result.card.parameters.iter().enumerate() {
            @if index > 0 { ", " }
            code { (name) " = " (value) }
        }
    }
}

fn memory(peak: u64, limits: &Limits) -> Markup {
    let share = peak as f64 / limits.memory_bytes.max(1) as f64;
    html! {
        span.meter style={ "--share:" (format!("{:.1}%", (share * 100.0).min(100.0))) } {}
        (bytes(peak)) " of " (bytes(limits.memory_bytes)) ", " (percent(share))
    }
}

fn time(result: &PluginResult) -> String {
    let ms = |seconds: f64| span(seconds * 1e3);
    let before = match result.preprocess_seconds {
        seconds if seconds > 0.0 => format!(", before it {} preprocessing", ms(seconds)),
        _ => String::new(),
    };
    format!(
        "{} learning, {} scoring{before}",
        ms(result.fit_seconds),
        ms(result.score_seconds)
    )
}
