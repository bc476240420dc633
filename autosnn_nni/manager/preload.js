// Loaded into NNI's manager before its own code (see guard.py): cures what NNI 3.0 offers no option
// for. Every cure is one function, called at the end.
"use strict";
const Module = require("module");
const net = require("net");

// Trials and the tuner inherit the manager's environment: they must not load this file.
function leaveNoTrace(names) {
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

// NNI listens on all interfaces, without authentication: whoever reaches the port can run code.
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

// NNI's modules have no hook: the class that one exports by this name is changed when it is loaded.
function whenExported(name, patch) {
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

// NNI queues parameters first in, first out, for whichever trial asks first: with concurrent or
// dying trials it records for one trial what another ran. Here each stays with its own trial.
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

// NNI takes a trial that a signal has ended for one that the user has cancelled.
function killedTrialsHaveFailed(service) {
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

// After a resume NNI numbers the trials from 1 again.
function numberTrialsOn(manager) {
    const { addRecoveredTrialJob } = manager.prototype;
    manager.prototype.addRecoveredTrialJob = function (trials) {
        const recovered = addRecoveredTrialJob.call(this, trials);
        const numbers = trials.map((trial) => trial.sequenceId ?? -1);
        this.experimentProfile.nextSequenceId = Math.max(-1, ...numbers) + 1;
        return recovered;
    };
}

// A tuner that ends with an exception says goodbye first, and NNI waits for it for ever.
function tunersThatEndAreErrors(manager) {
    const { addEventListeners } = manager.prototype;
    manager.prototype.addEventListeners = function () {
        addEventListeners.call(this);
        if (this.dispatcherPid === undefined) {
            return; // a client's own
        }
        this.dispatcher.channel.onClose(() => {
            if (!["STOPPING", "STOPPED"].includes(this.status.status)) {
                this.criticalError(new Error("The tuner has ended: its dispatcher.log says why."));
            }
        });
    };
}

// A worker's own server listens on all interfaces as well: it is started like the manager.
function guardWorkers(ssh) {
    const { exec } = ssh.prototype;
    ssh.prototype.exec = function (command) {
        const script = "nni.tools.nni_manager_scripts.launch_trial_keeper";
        return exec.call(this, command.replace(script, "autosnn_nni.manager.trial_keeper"));
    };
}

// A client killed with -9 would leave its manager behind, holding the port.
function endWith(owner) {
    const watch = setInterval(() => {
        if (process.ppid !== owner) {
            clearInterval(watch);
            process.kill(process.pid, "SIGTERM");
        }
    }, 100);
    watch.unref();
}

const settings = leaveNoTrace([
    "NODE_OPTIONS", "AUTOSNN_NODE_OPTIONS", "AUTOSNN_LISTEN", "AUTOSNN_OWNER",
]);
listenOn(settings.AUTOSNN_LISTEN);
whenExported("V3asV1", keepParametersWithTheirTrial);
whenExported("V3asV1", killedTrialsHaveFailed);
whenExported("NNIManager", numberTrialsOn);
whenExported("NNIManager", tunersThatEndAreErrors);
whenExported("Ssh", guardWorkers);
if (settings.AUTOSNN_OWNER) {
    endWith(Number(settings.AUTOSNN_OWNER));
}
