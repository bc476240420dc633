// Loaded into NNI's manager before its own code (see guard.py): fixes what NNI 3.0 has no option
// for. Every fix is one function, called at the end.
"use strict";
const Module = require("module");
const net = require("net");
const { serveOwnPage } = require("./web_ui.js");

// Trials and the tuner inherit the manager's environment, but must not load this file.
function takeFromEnvironment(names) {
    const settings = {};
    for (const name of names) {
        settings[name] = process.env[name];
        delete process.env[name];
    }
    if (settings.AUTOSNN_NODE_OPTIONS) {
        process.env.NODE_OPTIONS = settings.AUTOSNN_NODE_OPTIONS;
    }
    return settings;
}

// NNI listens on all interfaces without authentication: anyone who reaches the port can run code.
function listenOn(host) {
    const listen = net.Server.prototype.listen;
    net.Server.prototype.listen = function (port, ...rest) {
        if (typeof port === "number" && typeof rest[0] !== "string") {
            return listen.call(this, port, host, ...rest);
        }
        if (port && port.port !== undefined && !port.host && !port.path) {
            return listen.call(this, { ...port, host }, ...rest);
        }
        return listen.call(this, port, ...rest);
    };
}

// NNI's modules have no hooks: patch the class exported by this name when its module is loaded.
function patchExport(name, patch) {
    const load = Module._load;
    const patched = new WeakSet();
    Module._load = function (...request) {
        const exported = load.apply(this, request);
        const found = exported && exported[name];
        if (typeof found === "function" && !patched.has(found)) {
            patched.add(found);
            patch(found);
        }
        return exported;
    };
}

// NNI hands out parameters first in, first out, to the trial that asks first: with concurrent or
// dying trials, it records for one trial what another one ran. Here they stay with their trial.
function keepParametersWithTheirTrial(service) {
    const submit = service.prototype.submitTrialJob;
    service.prototype.submitTrialJob = async function (form) {
        const trial = await submit.call(this, form);
        const parameters = form.hyperParameters.value;
        const index = this.parameters.indexOf(parameters);
        if (index >= 0) {
            this.parameters.splice(index, 1);
            this.allocatedParameters.set(trial.id, parameters);
        }
        return trial;
    };
}

// NNI regards a trial that was ended by a signal as cancelled by the user.
function failKilledTrials(service) {
    const { start, cancelTrialJob } = service.prototype;
    const cancelled = new Set();
    service.prototype.cancelTrialJob = function (id, ...rest) {
        cancelled.add(id);
        return cancelTrialJob.call(this, id, ...rest);
    };
    service.prototype.start = function () {
        const onTrialEnd = this.v3.onTrialEnd.bind(this.v3);
        this.v3.onTrialEnd = (callback) => onTrialEnd((id, time, code) => {
            callback(id, time, code === null && !cancelled.has(id) ? 1 : code);
        });
        return start.call(this);
    };
}

// After a resume, NNI numbers the trials from 1 again.
function continueTrialNumbers(manager) {
    const { addRecoveredTrialJob } = manager.prototype;
    manager.prototype.addRecoveredTrialJob = function (trials) {
        const recovered = addRecoveredTrialJob.call(this, trials);
        const numbers = trials.map((trial) => trial.sequenceId ?? -1);
        this.experimentProfile.nextSequenceId = Math.max(-1, ...numbers) + 1;
        return recovered;
    };
}

// A tuner that ends with an exception sends a goodbye first, and NNI waits for it forever. The
// dispatcher notices an exception only at the manager's next command, which may never come: NNI
// drops its own pings.
function failWhenTunerEnds(manager) {
    const { addEventListeners } = manager.prototype;
    manager.prototype.addEventListeners = function () {
        addEventListeners.call(this);
        if (!this.dispatcherPid) {
            return; // the client's own dispatcher
        }
        const { channel } = this.dispatcher;
        const pings = setInterval(() => channel.send({ type: "PI" }), 5000);
        pings.unref();
        channel.onError(() => clearInterval(pings));
        channel.onClose(() => {
            clearInterval(pings);
            if (!["STOPPING", "STOPPED"].includes(this.status.status)) {
                this.criticalError(new Error("The tuner has ended; see its dispatcher.log."));
            }
        });
    };
}

// NNI gives a tuner 10 seconds to connect. Importing torch takes longer on a busy machine.
function waitForTuner(getServer) {
    const { connect } = getServer();
    getServer().init = () => {
        setTimeout(() => {
            if (!connect.settled) {
                connect.reject(new Error("The tuner did not connect; see its dispatcher.log."));
            }
        }, 60000);
        return connect.promise;
    };
}

// NNI's server on a worker listens on all interfaces too: start it like the manager.
function guardWorkers(ssh) {
    const { exec } = ssh.prototype;
    ssh.prototype.exec = function (command) {
        const script = "nni.tools.nni_manager_scripts.launch_trial_keeper";
        return exec.call(this, command.replace(script, "autosnn_nni.manager.trial_keeper"));
    };
}

// A client killed with -9 would leave its manager running, with the port in use.
function endWithOwner(owner) {
    const watch = setInterval(() => {
        if (process.ppid !== owner) {
            clearInterval(watch);
            process.kill(process.pid, "SIGTERM");
        }
    }, 100);
    watch.unref();
}

const settings = takeFromEnvironment([
    "NODE_OPTIONS", "AUTOSNN_NODE_OPTIONS", "AUTOSNN_LISTEN", "AUTOSNN_OWNER", "AUTOSNN_COLUMNS",
]);
listenOn(settings.AUTOSNN_LISTEN);
patchExport("V3asV1", keepParametersWithTheirTrial);
patchExport("V3asV1", failKilledTrials);
patchExport("NNIManager", continueTrialNumbers);
patchExport("NNIManager", failWhenTunerEnds);
patchExport("getTunerServer", waitForTuner);
patchExport("Ssh", guardWorkers);
patchExport("RestServer", serveOwnPage(JSON.parse(settings.AUTOSNN_COLUMNS || "{}")));
if (settings.AUTOSNN_OWNER) {
    endWithOwner(Number(settings.AUTOSNN_OWNER));
}
