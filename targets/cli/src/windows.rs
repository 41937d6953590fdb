//! `--open`: when updates may come, by the local clock.

use rustix::fd::OwnedFd;
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::{Errno, pread};
use update_lock::LockPath;
use update_lock_start::{Clock, Environment, complain, is_synchronized, now, text};
use update_lock_window::{LocalTime, Zone, is_open};

use crate::api;
use crate::options::{Key, Options};
use crate::protection::CLOCK_IS_SET;
use crate::report;

/// What `--open` says, in its time zone.
pub(crate) struct Windows {
    values: [&'static [u8]; MOST],
    zone: Zone<'static>,
    /// The zone's file, if it has one.
    file: Option<OwnedFd>,
    trusts_clock: bool,
    /// A minute of UTC, and how far the zone's clocks are ahead in it: its file is read once for each.
    ahead: Option<(u32, Option<i32>)>,
    /// That the clock isn't set was said, and whether a window would have been open then.
    complaint: Option<bool>,
}

/// How many values there may be.
pub(crate) const MOST: usize = 8;

impl Windows {
    /// How often to look at the clock: it may be set, and its zone may go over to summer time, at any moment.
    pub(crate) const INTERVAL_MS: u64 = 1000;

    /// What the options and `TZ` say; an exit code where that zone isn't known.
    pub(crate) fn of(options: &Options, environment: Environment) -> Result<Option<Self>, i32> {
        if options.open.is_empty() {
            return Ok(None);
        }
        let tz = environment.get(b"TZ").unwrap_or_default();
        let Some(windows) = Self::in_zone(tz, options) else {
            complain(
                text!(
                    "TZ '%' is neither a rule, such as CET-1CEST,M3.5.0,M10.5.0/3, nor the name of a zone file that is here"
                ),
                tz,
            );
            return Err(report::USAGE);
        };
        if !api::is_there(environment) {
            complain(
                text!(
                    "warning: no Supervisor API, so a window may be noticed after 15 minutes only; give the service the label io.balena.features.supervisor-api: '1'"
                ),
                b"",
            );
        }
        Ok(Some(windows))
    }

    fn in_zone(tz: &'static [u8], options: &Options) -> Option<Self> {
        let zone = Zone::parse(tz)?;
        let mut windows = Self {
            values: options.open.values,
            zone,
            file: match zone {
                Zone::Rule(_) => None,
                Zone::File { directory, name } => Some(open(directory, name).ok()?),
            },
            trusts_clock: options.has(Key::TrustClock),
            ahead: None,
            complaint: None,
        };
        windows.local(0).map(|_| windows)
    }

    /// Whether one of them is open. While the clock isn't set, none is.
    pub(crate) fn is_open(&mut self) -> bool {
        let (utc, _) = now(Clock::Realtime);
        let is_set = utc > CLOCK_IS_SET && (self.trusts_clock || is_synchronized());
        let utc = u32::try_from(utc).unwrap_or(u32::MAX);
        let is_open = self.local(utc).is_some_and(|local| {
            let mut values = self.values.iter();
            values.any(|value| is_open(value, local) == Some(true))
        });
        if !is_set && self.complaint != Some(is_open) {
            // At first, and for each window that is missed.
            if is_open || self.complaint.is_none() {
                complain(
                    text!(
                        "no window opens before NTP has set the clock (--trust-clock takes it as it is)"
                    ),
                    b"",
                );
            }
            self.complaint = Some(is_open);
        }
        is_set && is_open
    }

    fn local(&mut self, utc: u32) -> Option<LocalTime> {
        let minute = utc / 60;
        let ahead = match self.ahead {
            Some((of, ahead)) if of == minute => ahead,
            _ => self.ahead(utc),
        };
        self.ahead = Some((minute, ahead));
        Some(LocalTime::new(utc, ahead?))
    }

    fn ahead(&self, utc: u32) -> Option<i32> {
        let read_at =
            |at: u32, buffer: &mut [u8]| pread(self.file.as_ref()?, buffer, at.into()).ok();
        self.zone.offset(utc, read_at)
    }
}

fn open(directory: &[u8], name: &[u8]) -> Result<OwnedFd, Errno> {
    let path = LockPath::in_directory(directory, name).map_err(|_| Errno::NAMETOOLONG)?;
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    openat(CWD, path.as_c_str(), flags, Mode::empty())
}
