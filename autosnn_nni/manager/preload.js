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

// Calls patch with the class that one of NNI's modules exports by this name.
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
function keepParametersWithTheirTrial() {
    whenExported("V3asV1", (service) => {
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
    });
}

// On a machine reached by ssh NNI upgrades itself, or waits for a package index that is not there,
// and then starts a server on all its interfaces, whose clients can run code on this machine.
function guardWorkers() {
    whenExported("Ssh", (ssh) => {
        const run = ssh.prototype.run;
        ssh.prototype.run = async function (command) {
            if (command.endsWith("-m pip install nni --upgrade")) {
                return "";
            }
            const theirs = "nni.tools.nni_manager_scripts.launch_trial_keeper";
            return run.call(this, command.replace(theirs, "autosnn_nni.manager.trial_keeper"));
        };
    });
}

// A client killed with -9 would leave its manager behind, holding the port.
function endWith(owner) {
    const watch = setInterval(() => {
        if (process.ppid !== owner) {
            clearInterval(watch);
            process.kill(process.pid, "SIGTERM");
        }
    }, 500);
    watch.unref();
}

const settings = leaveNoTrace([
    "NODE_OPTIONS", "AUTOSNN_NODE_OPTIONS", "AUTOSNN_LISTEN", "AUTOSNN_OWNER",
]);
listenOn(settings.AUTOSNN_LISTEN);
keepParametersWithTheirTrial();
guardWorkers();
if (settings.AUTOSNN_OWNER) {
    endWith(Number(settings.AUTOSNN_OWNER));
}
