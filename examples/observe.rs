//! Shows a tick as an operator sees it: its trace, its metrics, and how the tokens stand.
//!
//! ```text
//! cargo run -p examples --example observe
//! ```
//!
//! Spans and metrics go to a collector in this process, on a local twin and in virtual time. A real
//! program hands them to an exporter for its own collector (OTLP, for one) instead, in [`telemetry`]; the
//! rest stays as it is.

use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::time::SystemTime;

use access_tokens::launchdarkly::Client;
use access_tokens::rotation::{Keeper, ManagedToken, Status, sink, state::MemoryStore};
use access_tokens::{Clock as _, Observed, Observer, RotationPolicy, days};
use access_tokens_testing::{Fault, LaunchDarkly, VirtualClock, launchdarkly};
use opentelemetry::metrics::{Counter, Gauge, Histogram, Meter, MeterProvider as _};
use opentelemetry::trace::{SpanId, SpanKind, Status as SpanStatus, TracerProvider as _};
use opentelemetry::{KeyValue, Value};
use opentelemetry_sdk::metrics::data::{
    AggregatedMetrics, MetricData, ResourceMetrics, ScopeMetrics,
};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, SdkMeterProvider};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use tracing_subscriber::layer::SubscriberExt as _;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The instruments, by the names of OpenTelemetry's conventions where there are any.
struct Metrics {
    duration: Histogram<f64>,
    retries: Counter<u64>,
    waits: Histogram<f64>,
}

impl Metrics {
    fn new(meter: &Meter) -> Self {
        // The boundaries that the conventions ask for.
        let bounds = vec![
            0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
        ];
        let duration = meter.f64_histogram("http.client.request.duration");
        let waits = meter.f64_histogram("access_tokens.wait.duration");
        Self {
            duration: duration.with_unit("s").with_boundaries(bounds).build(),
            retries: meter.u64_counter("access_tokens.retries").build(),
            waits: waits.with_unit("s").build(),
        }
    }
}

impl Observer for Metrics {
    fn observe(&self, observed: &Observed<'_>) {
        match observed {
            Observed::Attempt(attempt) => {
                let called = [
                    KeyValue::new("http.request.method", attempt.method.to_owned()),
                    KeyValue::new("url.template", attempt.operation.template()),
                ];
                if attempt.resend_count > 0 {
                    self.retries.add(1, &called);
                }
                let mut attributes = Vec::from(called);
                attributes.extend([
                    KeyValue::new("server.address", attempt.server_address.to_owned()),
                    KeyValue::new("server.port", i64::from(attempt.server_port)),
                ]);
                attributes.extend(attempt.status.map(|status| {
                    KeyValue::new("http.response.status_code", i64::from(status.as_u16()))
                }));
                let kind = attempt.error_type;
                attributes.extend(kind.map(|kind| KeyValue::new("error.type", kind)));
                let seconds = attempt.duration.as_secs_f64();
                self.duration.record(seconds, &attributes);
            }
            Observed::Wait(wait) => {
                let reason = KeyValue::new("reason", wait.reason.as_str());
                self.waits.record(wait.duration.as_secs_f64(), &[reason]);
            }
            _ => {}
        }
    }
}

/// How a token stands, in a word: these are all that there are.
fn state(status: &Status, policy: &RotationPolicy, now: SystemTime) -> &'static str {
    let due = status.next_due(policy, days(0)).is_some_and(|at| at <= now);
    match status {
        status if status.needs_person => "needs_person",
        status if status.failing_since.is_some() => "failing",
        status if status.on_hold.is_some() => "on_hold",
        status if status.current.is_none() => "new",
        _ if due => "due",
        _ => "fresh",
    }
}

/// Counts the tokens by state. From the records alone: no service is asked.
async fn record_states(
    keeper: &Keeper,
    gauge: &Gauge<u64>,
    policy: &RotationPolicy,
    now: SystemTime,
) -> Result<()> {
    let states = ["needs_person", "failing", "on_hold", "new", "due", "fresh"];
    let mut counts = BTreeMap::from(states.map(|state| (state, 0_u64)));
    counts.insert("unreadable", 0);
    for status in keeper.statuses().await? {
        let state = status.map_or("unreadable", |status| state(&status, policy, now));
        *counts.entry(state).or_default() += 1;
    }
    for (state, count) in counts {
        gauge.record(count, &[KeyValue::new("state", state)]);
    }
    Ok(())
}

struct Telemetry {
    spans: InMemorySpanExporter,
    metrics: InMemoryMetricExporter,
    meters: SdkMeterProvider,
}

/// Sends what `tracing` hears, and the metrics, to the collector.
fn telemetry() -> Result<Telemetry> {
    let (spans, metrics) = (
        InMemorySpanExporter::default(),
        InMemoryMetricExporter::default(),
    );
    let traces = SdkTracerProvider::builder().with_simple_exporter(spans.clone());
    let layer = tracing_opentelemetry::layer()
        .with_tracer(traces.build().tracer("my-application"))
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false);
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer))?;
    let meters = SdkMeterProvider::builder().with_periodic_exporter(metrics.clone());
    Ok(Telemetry {
        spans,
        metrics,
        meters: meters.build(),
    })
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let telemetry = telemetry()?;
    let meter = telemetry.meters.meter("my-application");
    let clock = VirtualClock::new();
    let twin = LaunchDarkly::builder().clock(clock.clone()).start().await?;
    let old = launchdarkly::Seed::new("export").role("reader");
    let old = twin.seed(old.age(120 * days(1)));

    let ld = Client::builder()
        .base_url(twin.base_url())
        .credential(twin.credential())
        .clock(clock.clone())
        .observer(Metrics::new(&meter))
        .build()?;
    let policy = RotationPolicy::new().max_age(days(90));
    let token = ManagedToken::builder("nightly-export")
        .service(ld)
        .adopt(&*old.id)
        .policy(policy.clone())
        .overlap(days(1))
        .deliver_to(sink::from_fn("my store", |_secret, _token| async {
            Ok::<(), sink::SinkError>(())
        }))
        .build()?;
    let keeper = Keeper::builder(MemoryStore::new())
        .clock(clock.clone())
        .build();

    // Something to see: the service is not there for a moment.
    twin.on(launchdarkly::Operation::CallerIdentity)
        .then(Fault::Status(503));
    let report = keeper.tick(&token).await;
    println!("{report}\n\nThe trace of this tick");
    print_trace(&telemetry.spans.get_finished_spans()?);

    let gauge = meter.u64_gauge("access_tokens.managed_tokens").build();
    record_states(&keeper, &gauge, &policy, clock.now()).await?;
    telemetry.meters.force_flush()?;
    println!("\nIts metrics");
    for metrics in telemetry.metrics.get_finished_metrics()? {
        print_metrics(&metrics);
    }
    Ok(())
}

fn print_trace(spans: &[SpanData]) {
    let mut below: HashMap<SpanId, Vec<&SpanData>> = HashMap::new();
    for span in spans {
        below.entry(span.parent_span_id).or_default().push(span);
    }
    for children in below.values_mut() {
        children.sort_by_key(|span| span.start_time);
    }
    print_below(&below, SpanId::INVALID, 1);
}

fn print_below(below: &HashMap<SpanId, Vec<&SpanData>>, parent: SpanId, depth: usize) {
    for span in below.get(&parent).into_iter().flatten() {
        let kind = match span.span_kind {
            SpanKind::Client => " (client)",
            _ => "",
        };
        print!("{:indent$}{}{kind}", "", span.name, indent = 2 * depth);
        for wanted in [
            "outcome",
            "http.request.resend_count",
            "http.response.status_code",
            "error.type",
        ] {
            let found = span.attributes.iter().find(|a| a.key.as_str() == wanted);
            if let Some(attribute) = found {
                print!(" {wanted}={}", attribute.value);
            }
        }
        if matches!(span.status, SpanStatus::Error { .. }) {
            print!(" ERROR");
        }
        println!();
        print_below(below, span.span_context.span_id(), depth + 1);
    }
}

fn print_metrics(metrics: &ResourceMetrics) {
    for metric in metrics.scope_metrics().flat_map(ScopeMetrics::metrics) {
        println!("  {} {}", metric.name(), metric.unit());
        let mut lines: Vec<String> = match metric.data() {
            AggregatedMetrics::F64(MetricData::Histogram(data)) => data
                .data_points()
                .map(|point| format!("{} times {}", point.count(), labels(point.attributes())))
                .collect(),
            AggregatedMetrics::U64(MetricData::Sum(data)) => data
                .data_points()
                .map(|point| format!("{} {}", point.value(), labels(point.attributes())))
                .collect(),
            AggregatedMetrics::U64(MetricData::Gauge(data)) => data
                .data_points()
                .map(|point| format!("{} {}", point.value(), labels(point.attributes())))
                .collect(),
            _ => Vec::new(),
        };
        lines.sort();
        for line in lines {
            println!("    {line}");
        }
    }
}

/// The attributes, but for the server, whose port is another one each time.
fn labels<'a>(attributes: impl Iterator<Item = &'a KeyValue>) -> String {
    let value = |value: &Value| value.as_str().into_owned();
    let mut labels: Vec<_> = attributes
        .filter(|attribute| !attribute.key.as_str().starts_with("server."))
        .map(|attribute| format!("{}={}", attribute.key, value(&attribute.value)))
        .collect();
    labels.sort();
    labels.join(" ")
}
