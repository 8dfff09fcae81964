//! The HTTP server beneath every twin.

use std::collections::BTreeMap;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, mpsc};
use std::task::Poll;
use std::thread::JoinHandle;
use std::time::Duration;

use http::{HeaderValue, header};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

use super::connection::Connection;
use super::fault::Script;
use super::handler;
use super::message::Received;
use super::shared::{DateHeader, Service, Shared};
use access_tokens::{Clock, Secret};

const BACKLOG: u32 = 1024;

/// A running server: a thread of its own with a runtime of its own, so that it does not depend on the
/// runtime of the test. Dropping it closes every socket before it returns.
pub(crate) struct Server<S: Service> {
    shared: Arc<Shared<S>>,
    address: SocketAddr,
    /// Dropping the sender ends the thread.
    commands: Option<UnboundedSender<Command>>,
    thread: Option<JoinHandle<()>>,
}

enum Command {
    Refuse(mpsc::Sender<io::Result<()>>),
    Accept(mpsc::Sender<io::Result<()>>),
}

impl<S: Service> Server<S> {
    /// Starts on a free port of the loopback interface.
    pub(crate) fn start(service: Arc<S>, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let shared = Arc::new(Shared::new(service, clock));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let listener = {
            let _context = runtime.enter();
            reserve(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?.listen(BACKLOG)?
        };
        let address = listener.local_addr()?;
        let (commands, receiver) = unbounded_channel();
        let thread = std::thread::Builder::new().name("twin".to_owned()).spawn({
            let shared = Arc::clone(&shared);
            move || runtime.block_on(run(&shared, listener, address, receiver))
        })?;
        Ok(Self {
            shared,
            address,
            commands: Some(commands),
            thread: Some(thread),
        })
    }

    /// `http://127.0.0.1:PORT`
    pub(crate) fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The service behind it.
    pub(crate) fn service(&self) -> &S {
        self.shared.catch_up();
        &self.shared.service
    }

    /// Sets what the header `Date` says.
    pub(crate) fn set_date(&self, date: DateHeader) {
        self.shared.set_date(date);
    }

    /// What was received, in order; the newest 10,000.
    pub(crate) fn requests(&self) -> Vec<Received> {
        self.shared.requests()
    }

    /// Forgets what was received.
    pub(crate) fn clear_requests(&self) {
        self.shared.clear();
    }

    /// How many requests there were for each operation.
    pub(crate) fn counts(&self) -> BTreeMap<S::Operation, u64> {
        self.shared.counts()
    }

    /// Switches recording on or off.
    pub(crate) fn record_requests(&self, on: bool) {
        self.shared.set_recording(on);
    }

    /// The fault script.
    pub(crate) fn script(&self) -> &Script<S::Operation> {
        &self.shared.script
    }

    /// Uses a secret as a consumer would: the status of the answer.
    pub(crate) async fn use_secret(&self, secret: &Secret) -> io::Result<u16> {
        // Of its own, since a connection that is kept would not outlive the caller's runtime.
        let http = reqwest::Client::builder().no_proxy().build();
        let mut value = HeaderValue::try_from(format!("{}{}", S::SCHEME, secret.expose_secret()))
            .map_err(io::Error::other)?;
        value.set_sensitive(true);
        let request = http
            .map_err(io::Error::other)?
            .get(format!("{}{}", self.base_url(), S::USE))
            .header(header::AUTHORIZATION, value);
        let answer = request.send().await.map_err(io::Error::other)?;
        Ok(answer.status().as_u16())
    }

    /// Closes the listener and all connections; the port stays reserved.
    pub(crate) fn refuse_connections(&self) -> io::Result<()> {
        self.command(Command::Refuse)
    }

    /// Listens again, on the same port.
    pub(crate) fn accept_connections(&self) -> io::Result<()> {
        self.command(Command::Accept)
    }

    fn command(
        &self,
        command: impl FnOnce(mpsc::Sender<io::Result<()>>) -> Command,
    ) -> io::Result<()> {
        let (done, wait) = mpsc::channel();
        if let Some(commands) = &self.commands {
            let _ = commands.send(command(done));
        }
        wait.recv()
            .unwrap_or_else(|_| Err(io::Error::other("the twin's thread has ended")))
    }
}

impl<S: Service> Drop for Server<S> {
    fn drop(&mut self) {
        self.commands = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl<S: Service> fmt::Debug for Server<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// A socket that holds the port. Until it listens, connecting to it is refused.
fn reserve(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    // Old connections of the same port may linger; on Windows the option means something else.
    #[cfg(not(windows))]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

enum Port {
    Listening(TcpListener),
    Reserved(TcpSocket),
}

async fn run<S: Service>(
    shared: &Arc<Shared<S>>,
    listener: TcpListener,
    address: SocketAddr,
    mut commands: UnboundedReceiver<Command>,
) {
    let mut port = Some(Port::Listening(listener));
    let mut connections = JoinSet::new();
    loop {
        let event = poll_fn(|cx| {
            if let Poll::Ready(command) = commands.poll_recv(cx) {
                return Poll::Ready(Event::Command(command));
            }
            while let Poll::Ready(Some(_)) = connections.poll_join_next(cx) {}
            match &port {
                Some(Port::Listening(listener)) => listener.poll_accept(cx).map(Event::Connection),
                _ => Poll::Pending,
            }
        });
        match event.await {
            Event::Connection(Ok((stream, _))) => {
                connections.spawn(serve(Arc::clone(shared), stream));
            }
            // Such as no file left: closing connections may free one.
            Event::Connection(Err(_)) => tokio::time::sleep(Duration::from_millis(5)).await,
            Event::Command(None) => return,
            Event::Command(Some(Command::Refuse(done))) => {
                let socket = match port.take() {
                    Some(Port::Reserved(socket)) => Ok(socket),
                    listening => {
                        drop(listening);
                        connections.shutdown().await;
                        reserve(address)
                    }
                };
                let _ = done.send(socket.map(|socket| port = Some(Port::Reserved(socket))));
            }
            Event::Command(Some(Command::Accept(done))) => {
                let listener = match port.take() {
                    Some(Port::Listening(listener)) => Ok(listener),
                    Some(Port::Reserved(socket)) => socket.listen(BACKLOG),
                    None => reserve(address).and_then(|socket| socket.listen(BACKLOG)),
                };
                let _ = done.send(listener.map(|listener| port = Some(Port::Listening(listener))));
            }
        }
    }
}

enum Event {
    Command(Option<Command>),
    Connection(io::Result<(TcpStream, SocketAddr)>),
}

async fn serve<S: Service>(shared: Arc<Shared<S>>, stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let dated = shared.date() != DateHeader::Absent;
    let stream = Arc::new(stream);
    let connection = Connection::new(Arc::clone(&stream));
    let service = hyper::service::service_fn(move |request| {
        handler::handle(Arc::clone(&shared), Arc::clone(&stream), request)
    });
    // Errors are how faults and clients that leave end a connection.
    let _ = hyper::server::conn::http1::Builder::new()
        .header_read_timeout(None)
        // For what is refused before it comes to the handler, which dates its answers itself.
        .auto_date_header(dated)
        .serve_connection(connection, service)
        .await;
}
