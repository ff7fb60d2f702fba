// The model, as WebAssembly, in a worker of its own: a scenario that takes too long can be ended there.

const engine = (() => {
    const LIMIT = 2000;

    // Runs in the worker: the first message is the module, each other one a request as text.
    const inWorker = () => {
        let exports;
        onmessage = async ({ data }) => {
            if (typeof data !== "string") {
                try {
                    exports = (await WebAssembly.instantiate(data)).instance.exports;
                    postMessage({});
                } catch (error) {
                    postMessage({ lacks: String(error) });
                }
                return;
            }
            try {
                const { memory, allocate, simulate } = exports;
                const request = new TextEncoder().encode(data);
                const at = allocate(request.length);
                new Uint8Array(memory.buffer, at, request.length).set(request);
                const reply = simulate();
                const length = new DataView(memory.buffer).getUint32(reply, true);
                postMessage({ reply: new TextDecoder().decode(new Uint8Array(memory.buffer, reply + 4, length)) });
            } catch (error) {
                postMessage({ stopped: true });
            }
        };
    };

    const script = (source) => new Promise((resolve, reject) => {
        const element = Object.assign(document.createElement("script"), { src: source });
        element.addEventListener("load", resolve);
        element.addEventListener("error", () => reject(new Error(source)));
        document.head.append(element);
    });
    const { wasm, facts } = document.currentScript.dataset;
    let known, module;
    // What the book says of the beliefs, when a simulator is opened; the model, when it has to answer.
    const prepare = () => (known ??= script(facts));
    const load = () => (module ??= script(wasm).then(() => {
        const packed = Uint8Array.from(atob(window.simulator.wasm), (c) => c.charCodeAt(0));
        return new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
    }));

    let worker = null, queue = Promise.resolve();
    const end = () => { worker?.terminate(); worker = null; };
    // The worker's next message.
    const message = (limit) => new Promise((resolve, reject) => {
        const fails = (why) => { end(); reject(new Error(why)); };
        const timer = limit && setTimeout(() => fails(WORDS.late), limit);
        worker.onmessage = ({ data }) => {
            clearTimeout(timer);
            if (data.lacks) { fails(say(WORDS.fails, data.lacks)); } else if (data.stopped) { fails(WORDS.stops); } else { resolve(data); }
        };
        worker.onerror = (event) => { clearTimeout(timer); fails(say(WORDS.fails, event.message)); };
    });
    const begin = async (module) => {
        const address = URL.createObjectURL(new Blob([`(${inWorker})()`], { type: "text/javascript" }));
        worker = new Worker(address);
        worker.postMessage(module);
        await message();
        URL.revokeObjectURL(address);
    };
    const once = async (request) => {
        if (!worker) { await begin(await load()); }
        worker.postMessage(JSON.stringify(request));
        return JSON.parse((await message(LIMIT)).reply);
    };

    // One request after the other.
    const ask = (request) => {
        const next = queue.then(() => once(request));
        queue = next.catch(() => {});
        return next;
    };
    return { ask, prepare };
})();
