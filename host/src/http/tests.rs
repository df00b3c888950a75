use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;
use crate::observe::Phase;
use fedhost_base::announce::{Announcer, Listener};
use fedhost_base::clock::Stopwatch;
use fedhost_base::hint::explain;
use fedhost_base::metric;

const PATIENCE: Duration = Duration::from_secs(20);

fn at(listen: &str, token: Option<&str>) -> (Service, Observed) {
    let observed = Observed::new();
    observed.enter(Phase::Working);
    let token = token.map(|token| Secret::from(token.to_owned()));
    (
        Service {
            listen: listen.parse().unwrap(),
            token,
            observed: observed.clone(),
        },
        observed,
    )
}

async fn local(token: Option<&str>) -> (Handle, Observed) {
    let (service, observed) = at("127.0.0.1:0", token);
    (service.start().await.unwrap(), observed)
}

async fn connect(handle: &Handle) -> TcpStream {
    TcpStream::connect(handle.address()).await.unwrap()
}

/// Everything that comes until the other side closes; what came before a reset counts.
async fn read_all(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    tokio::time::timeout(PATIENCE, stream.read_to_end(&mut bytes))
        .await
        .expect("it closes in time")
        .ok();
    String::from_utf8(bytes).unwrap()
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn parse(text: &str) -> Self {
        let (head, body) = text
            .split_once("\r\n\r\n")
            .unwrap_or_else(|| panic!("no answer: {text:?}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Self {
            status,
            head: head.to_ascii_lowercase(),
            body: body.to_owned(),
        }
    }

    fn problem(&self) -> Value {
        assert!(
            self.head.contains("content-type: application/problem+json"),
            "{}",
            self.head
        );
        let problem: Value = serde_json::from_str(&self.body).unwrap();
        assert_eq!(problem["status"], self.status);
        problem
    }
}

/// One request on a connection of its own; `headers` end with a line break each.
async fn request(handle: &Handle, line: &str, headers: &str) -> Answer {
    let mut stream = connect(handle).await;
    let request = format!("{line} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    Answer::parse(&read_all(&mut stream).await)
}

async fn get(handle: &Handle, path: &str) -> Answer {
    request(handle, &format!("GET {path}"), "").await
}

#[tokio::test]
async fn it_is_always_live_and_ready_without_trouble() {
    let (handle, observed) = local(None).await;
    let ready = get(&handle, "/readyz").await;
    assert_eq!((ready.status, ready.body.as_str()), (200, "ready\n"));

    observed.condition("writer of fog-node-1", Some("all brokers\nare down"));
    observed.condition("reader of aggregator", Some("not authorized"));
    let not_ready = get(&handle, "/readyz").await;
    let reasons =
        "reader of aggregator: not authorized\nwriter of fog-node-1: all brokers are down\n";
    assert_eq!((not_ready.status, not_ready.body.as_str()), (503, reasons));
    let live = get(&handle, "/livez").await;
    assert_eq!((live.status, live.body.as_str()), (200, "live\n"));

    let json = request(&handle, "GET /readyz", "Accept: application/json\r\n").await;
    let body: Value = serde_json::from_str(&json.body).unwrap();
    assert_eq!((json.status, &body["ready"]), (503, &Value::Bool(false)));
    assert_eq!(body["troubles"][0]["part"], "reader of aggregator");
}

#[tokio::test]
async fn metrics_are_open_metrics_whatever_the_client_accepts() {
    let (handle, observed) = local(None).await;
    observed.count(metric::RECORDS_READ, &[("topic", "t")], 3);
    let prometheus = "Accept: application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.3\r\n";
    for accept in ["", "Accept: text/plain\r\n", prometheus] {
        let metrics = request(&handle, "GET /metrics", accept).await;
        assert!(
            metrics
                .head
                .contains("content-type: application/openmetrics-text; version=1.0.0"),
            "{}",
            metrics.head
        );
        for line in [
            "# TYPE fedhost_records_read counter\n",
            "fedhost_records_read_total{topic=\"t\"} 3.0\n",
        ] {
            assert!(metrics.body.contains(line), "{}", metrics.body);
        }
        assert!(metrics.body.ends_with("# EOF\n"), "{}", metrics.body);
    }
}

#[tokio::test]
async fn metrics_and_reasons_need_the_token() {
    let (handle, observed) = local(Some("s3cret")).await;
    observed.condition("writer", Some("refused by broker.internal"));
    for headers in [
        "",
        "Authorization: Bearer wrong\r\n",
        "Authorization: Basic s3cret\r\n",
        "Authorization: s\r\n",
    ] {
        let metrics = request(&handle, "GET /metrics", headers).await;
        assert_eq!(metrics.status, 401, "{headers}");
        assert!(
            metrics.head.contains("www-authenticate: bearer"),
            "{}",
            metrics.head
        );
        assert!(
            !metrics.problem()["detail"]
                .as_str()
                .unwrap()
                .contains("s3cret")
        );

        let ready = request(&handle, "GET /readyz", headers).await;
        assert_eq!((ready.status, ready.body.as_str()), (503, "not ready\n"));
        let accept = format!("{headers}Accept: application/json\r\n");
        let ready = request(&handle, "GET /readyz", &accept).await;
        assert!(
            ready.status == 503 && !ready.body.contains("broker.internal"),
            "{}",
            ready.body
        );
    }
    let shown = "Authorization: bearer s3cret\r\n";
    assert_eq!(request(&handle, "GET /metrics", shown).await.status, 200);
    assert!(
        request(&handle, "GET /readyz", shown)
            .await
            .body
            .contains("broker.internal")
    );
    assert_eq!(get(&handle, "/livez").await.status, 200);
}

#[tokio::test]
async fn without_a_token_only_loopback_addresses_are_allowed() {
    for listen in ["0.0.0.0:0", "[::]:0", "192.0.2.1:80"] {
        let error = at(listen, None).0.start().await.unwrap_err();
        assert!(explain(&error).contains("\nhint: set api.token"), "{error}");
    }
    for listen in ["127.0.0.1:0", "127.8.8.8:0", "[::ffff:127.0.0.1]:0"] {
        let handle = at(listen, None).0.start().await.unwrap();
        assert_ne!(handle.address().port(), 0);
    }
    let open = at("0.0.0.0:0", Some("s3cret")).0.start().await.unwrap();
    assert!(open.address().ip().is_unspecified());
    assert!(matches!(
        at("127.0.0.1:0", Some("")).0.start().await,
        Err(Error::UnusableToken)
    ));
}

#[tokio::test]
async fn a_taken_address_is_named() {
    let (first, _) = local(None).await;
    let error = at(&first.address().to_string(), None)
        .0
        .start()
        .await
        .unwrap_err();
    let error = explain(&error);
    assert!(
        error.contains(&first.address().to_string()) && error.contains("hint: "),
        "{error}"
    );
}

#[tokio::test]
async fn the_address_is_announced() {
    struct Heard(std::sync::Mutex<Vec<Event>>);
    impl Listener for Heard {
        fn on_event(&self, event: &fedhost_base::event::Stamped) {
            self.0.lock().unwrap().push(event.event.clone());
        }
    }
    let heard = std::sync::Arc::new(Heard(std::sync::Mutex::default()));
    let (mut service, observed) = at("127.0.0.1:0", None);
    service.observed = observed.announcing(Announcer::new(vec![Box::new(std::sync::Arc::clone(
        &heard,
    ))]));
    let handle = service.start().await.unwrap();
    let address = handle.address().to_string();
    assert_eq!(
        *heard.0.lock().unwrap(),
        [Event::Run(RunEvent::Listening { address })]
    );
}

#[tokio::test]
async fn errors_are_problem_documents() {
    let (handle, _) = local(None).await;
    let unknown = get(&handle, "/no/such/path?secret=1").await;
    assert_eq!(unknown.status, 404);
    assert_eq!(
        unknown.problem()["detail"],
        "there is nothing at /no/such/path"
    );
    let wrong = request(&handle, "POST /livez", "").await;
    assert_eq!(
        (wrong.status, wrong.problem()["title"].as_str()),
        (405, Some("Method Not Allowed"))
    );
    assert!(wrong.head.contains("allow: get"), "{}", wrong.head);
}

#[tokio::test]
async fn headers_are_bounded() {
    let (handle, _) = local(None).await;
    let header = |bytes: usize| format!("x: {}\r\n", "a".repeat(bytes));
    assert_eq!(
        request(&handle, "GET /livez", &header(8 << 10))
            .await
            .status,
        200
    );
    assert_eq!(
        request(&handle, "GET /livez", &header(20 << 10))
            .await
            .status,
        431
    );
    assert_eq!(
        request(&handle, "GET /livez", &"x: y\r\n".repeat(200))
            .await
            .status,
        431
    );
}

#[tokio::test]
async fn an_idle_connection_is_closed_and_makes_room_for_others() {
    let (service, _) = at("127.0.0.1:0", None);
    let limits = Limits {
        connections: 2,
        header_read: Duration::from_millis(200),
        ..Limits::default()
    };
    let handle = service.start_within(limits).await.unwrap();
    let mut silent = connect(&handle).await;
    let mut idle = connect(&handle).await;
    idle.write_all(b"GET /livez HTTP/1.1\r\nhost: test\r\n\r\n")
        .await
        .unwrap();
    // Waits to be accepted until one of the two is closed.
    assert_eq!(get(&handle, "/livez").await.status, 200);
    read_all(&mut silent).await;
    assert!(
        read_all(&mut idle).await.contains("live"),
        "it gets a response, and is closed when it is idle again"
    );
}

/// Asks for metrics again and again, and reads nothing of the answers.
async fn never_read(handle: &Handle) -> TcpStream {
    let mut stream = connect(handle).await;
    let requests = "GET /metrics HTTP/1.1\r\nhost: test\r\n\r\n".repeat(100_000);
    // The other side stops reading when it cannot write any more.
    let _ = tokio::time::timeout(
        Duration::from_millis(300),
        stream.write_all(requests.as_bytes()),
    )
    .await;
    stream
}

#[tokio::test]
async fn probes_are_answered_while_clients_that_never_read_hold_all_connections() {
    let (service, observed) = at("127.0.0.1:0", None);
    for topic in 0..2_000 {
        let topic = format!("topic-{topic}");
        observed.count(metric::RECORDS_READ, &[("topic", &topic)], 1);
    }
    let limits = Limits {
        connections: 3,
        write: Duration::from_secs(3),
        ..Limits::default()
    };
    let handle = service.start_within(limits).await.unwrap();
    let mut silent = Vec::new();
    for _ in 0..3 {
        silent.push(never_read(&handle).await);
    }
    assert_eq!(get(&handle, "/livez").await.status, 200);
    assert_eq!(get(&handle, "/readyz").await.status, 200);
    let busy = get(&handle, "/metrics").await;
    assert_eq!(busy.status, 503);
    assert_eq!(busy.problem()["title"], "Service Unavailable");
    // Their connections end at the limit of a write, and make room.
    let free = async {
        while get(&handle, "/metrics").await.status != 200 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, free).await.unwrap();
}

#[tokio::test]
async fn a_connection_for_probes_is_short() {
    let (service, _) = at("127.0.0.1:0", None);
    let limits = Limits {
        connections: 0,
        probe_connections: 1,
        probe: Duration::from_millis(100),
        ..Limits::default()
    };
    let handle = service.start_within(limits).await.unwrap();
    let mut idle = connect(&handle).await;
    assert_eq!(
        read_all(&mut idle).await,
        "",
        "it is closed without a request"
    );
    assert_eq!(get(&handle, "/livez").await.status, 200);
}

#[tokio::test]
async fn a_handler_that_takes_too_long_is_ended() {
    let limits = Limits {
        answer: Duration::from_millis(20),
        ..Limits::default()
    };
    let slow = axum::Router::new().route("/", axum::routing::get(std::future::pending::<()>));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let serving = tokio::spawn(server::serve(
        listener,
        server::Routers {
            all: router::bounded(slow, &limits),
            probes: axum::Router::new(),
        },
        limits,
        stop.clone(),
    ));
    let handle = Handle {
        address,
        stop: stop.drop_guard(),
        serving,
    };

    let late = get(&handle, "/").await;
    assert_eq!(late.status, 503);
    assert!(
        late.problem()["detail"]
            .as_str()
            .unwrap()
            .contains("within 20 ms")
    );
}

#[tokio::test]
async fn closing_takes_at_most_a_second_with_slow_clients() {
    let (handle, _) = local(None).await;
    let address = handle.address();
    let mut half = connect(&handle).await;
    half.write_all(b"GET /livez HTTP/1.1\r\nhost: te")
        .await
        .unwrap();
    let mut idle = connect(&handle).await;
    idle.write_all(b"GET /livez HTTP/1.1\r\nhost: test\r\n\r\n")
        .await
        .unwrap();
    let mut first = [0; 12];
    idle.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");

    let watch = Stopwatch::start();
    handle.close().await;
    assert!(
        watch.elapsed() < Duration::from_millis(1500),
        "{:?}",
        watch.elapsed()
    );
    read_all(&mut half).await;
    read_all(&mut idle).await;
    assert!(
        TcpStream::connect(address).await.is_err(),
        "the port is closed"
    );
}

#[test]
fn a_token_that_no_header_carries_is_unusable() {
    for (token, fits) in [
        ("s3cret", true),
        ("", false),
        ("two words", false),
        ("line\n", false),
        ("ä", false),
    ] {
        assert_eq!(
            fits_header(&Secret::from(token.to_owned())),
            fits,
            "{token:?}"
        );
    }
}
