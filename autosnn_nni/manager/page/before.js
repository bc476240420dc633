// Runs in the browser before NNI's page. `chosen` has the table's columns and the plot's axes to
// begin with, by NNI's names for them; it is empty for experiments that are not AutoSNN's.
(function (experiment, chosen) {
    "use strict";
    const MONTH = 30 * 24 * 60 * 60 * 1000; // after which NNI forgets a user's choice

    // NNI's page would take icons and text fonts from the net.
    window.FabricConfig = { iconBaseUrl: "./autosnn/", fontBaseUrl: "" };

    for (const [name, keys] of Object.entries(chosen)) {
        const key = `${experiment}_${name}`;
        const stored = JSON.parse(localStorage.getItem(key));
        if (!stored || stored.byAutoSNN || Date.now() > stored.time + stored.expire) {
            localStorage.setItem(key, JSON.stringify({
                value: JSON.stringify(keys),
                time: Date.now(),
                expire: MONTH,
                isSelectall: false,
                byAutoSNN: true, // NNI drops this from what a user chooses
            }));
        }
    }
})
