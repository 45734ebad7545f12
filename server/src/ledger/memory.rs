//! The ledger in memory: the engine's own reference ledger, one for each tenant. This module decides only that a tenant comes
//! into being when it is first named; it keeps nothing on disk. `Store` calls it for a server without a data file.

use crate::ledger::{Ask, DEVICES_PER_USER, Ledger, Pushed, not_your_device, too_many_devices};
use landfall::authority::{MemoryLedger, TokenKey};
use landfall::error::Result;
use landfall::id::{DeviceId, Run, User};
use landfall::schema::Schema;
use landfall::time::Millis;
use landfall::wire::{Choice, ChoiceReply, Device, DeviceReply, PullReply, PullRequest, PushRequest};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// All tenants of a server without a data file.
pub struct Memory {
    tenants: Mutex<BTreeMap<String, Tenant>>,
    key: TokenKey,
    run: Run,
}

struct Tenant {
    ledger: MemoryLedger,
    devices: BTreeMap<DeviceId, User>,
}

impl Memory {
    /// Empty; `run` names this life of the server.
    #[must_use]
    pub fn new(key: TokenKey, run: Run) -> Self {
        Self { tenants: Mutex::default(), key, run }
    }

    fn with<T>(&self, scope: &str, work: impl FnOnce(&mut Tenant) -> T) -> T {
        // A step of the reference ledger changes nothing before it can no longer fail.
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = || Tenant { ledger: MemoryLedger::new(self.key.clone(), self.run.clone()), devices: BTreeMap::new() };
        work(tenants.entry(scope.to_owned()).or_insert_with(fresh))
    }
}

impl Ledger for Memory {
    async fn attach(&self, ask: Ask<'_>, device: &Device) -> Result<DeviceReply> {
        self.with(&ask.who.tenant, |tenant| {
            let known = tenant.devices.contains_key(&device.device_id);
            if !known && tenant.devices.values().filter(|user| **user == ask.who.user).count() >= DEVICES_PER_USER {
                return Err(too_many_devices());
            }
            let reply = tenant.ledger.attach(ask.who, device, ask.now)?;
            tenant.devices.insert(device.device_id.clone(), ask.who.user.clone());
            Ok(reply)
        })
    }

    async fn push(&self, ask: Ask<'_>, request: PushRequest) -> Result<Pushed> {
        self.with(&ask.who.tenant, |tenant| {
            let before = tenant.ledger.counter();
            let reply = tenant.ledger.push(ask.schema, ask.who, request, ask.now)?;
            let last = tenant.ledger.counter();
            Ok(Pushed { reply, last: (last > before).then_some(last) })
        })
    }

    async fn pull(&self, ask: Ask<'_>, request: PullRequest) -> Result<PullReply> {
        self.with(&ask.who.tenant, |tenant| {
            if tenant.devices.get(&request.device_id).is_some_and(|user| *user != ask.who.user) {
                return Err(not_your_device());
            }
            Ok(tenant.ledger.pull(ask.schema, ask.who, request, ask.now))
        })
    }

    async fn choose(&self, ask: Ask<'_>, choice: &Choice) -> Result<ChoiceReply> {
        self.with(&ask.who.tenant, |tenant| tenant.ledger.choose(ask.schema, ask.who, choice, ask.now))
    }

    async fn collect(&self, before: Millis, most: usize) -> Result<usize> {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(tenants.values_mut().map(|tenant| tenant.ledger.collect(before, most)).find(|gone| *gone > 0).unwrap_or(0))
    }

    async fn migrate(&self, _schema: &Schema) -> Result<()> {
        // Nothing in memory is older than the server.
        Ok(())
    }

    async fn counter(&self, scope: &str) -> Result<u64> {
        Ok(self.with(scope, |tenant| tenant.ledger.counter()))
    }
}
