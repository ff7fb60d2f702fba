"use strict";

// The drill: questions that are loaded when they are asked for. What was answered wrongly comes back after some others,
// and each right answer puts it off for longer; the third has it learned.
(() => {
    const { make, remember, remembered } = window.workbook;
    const place = document.querySelector(".drill");
    const words = place.dataset;
    const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

    // After how many other answers a question is asked again.
    const GAPS = [3, 10, 30];
    const LEARNED = GAPS.length;

    // How many answers were given, and of each question that was answered how often it was right since it was wrong, and at
    // which count it is asked again. The keys are those of the scenarios: an edition with other questions keeps the rest.
    let state = { count: 0, boxes: {} };
    let isKept = true;
    const load = () => {
        const stored = remembered("drill");
        if (stored === null) { return; }
        try {
            const { count, boxes } = Object(JSON.parse(stored));
            const sound = Object.entries(Object(boxes)).filter(([, box]) => Array.isArray(box) && box.every(Number.isFinite));
            state = { count: Number(count) || 0, boxes: Object.fromEntries(sound) };
        } catch (e) { /* of somebody else: it is written anew */ }
    };
    const save = () => {
        const text = JSON.stringify(state);
        remember("drill", text);
        isKept = remembered("drill") === text;
    };

    let questions, beliefs, rules;
    let lesson = "";
    const button = (text, does, more = {}) => {
        const made = make("button", { type: "button", ...more }, text);
        made.addEventListener("click", does);
        return made;
    };
    const html = (name, text, more = {}) => make(name, { ...more, innerHTML: text });

    // ---- Which comes next ----

    const record = (key, isRight) => {
        load();
        state.count += 1;
        const [box] = state.boxes[key] ?? [];
        const next = isRight ? (box === undefined ? LEARNED : box + 1) : 0;
        state.boxes[key] = next >= LEARNED ? [LEARNED, 0] : [next, state.count + GAPS[next]];
        save();
    };

    const chosen = () => questions.filter((question) => lesson === "" || String(question.lesson) === lesson);
    const boxOf = ({ key }) => state.boxes[key] ?? [-1, 0];
    const waiting = (all) => all.filter((question) => boxOf(question)[0] >= 0 && boxOf(question)[0] < LEARNED)
        .sort((a, b) => boxOf(a)[1] - boxOf(b)[1]);

    // One that is due, or else a new one, or else the one that is due next.
    const next = () => {
        const all = chosen();
        const [first] = waiting(all);
        if (first && boxOf(first)[1] <= state.count) { return first; }
        return all.find((question) => boxOf(question)[0] === -1) ?? first;
    };

    // ---- What is seen ----

    const says = make("p", { className: "unseen" });
    says.setAttribute("role", "status");
    const score = make("span");
    const card = make("section", { className: "question" });
    card.setAttribute("aria-labelledby", "drill-question");
    let forgotten;
    const forget = button("", () => {
        [state, forgotten] = [forgotten ?? { count: 0, boxes: {} }, forgotten ? undefined : state];
        save();
        ask(next());
        forget.focus();
    });

    const draw = () => {
        const all = chosen();
        const [seen, back] = [all.filter((question) => boxOf(question)[0] >= 0).length, waiting(all).length];
        score.textContent = fill(words.score, { of: all.length, seen, back }) + words.space + (isKept ? words.kept : words.lost);
        forget.textContent = forgotten ? words.undo : words.forget;
    };

    // An outcome, with what its English words mean.
    const outcome = ({ gives, said }) => make("span", {}, make("code", {}, gives), said.slice(gives.length));

    // One belief: what is believed, what is so, and where that is explained.
    const belief = (slug) => {
        const [believed, fact, at, title] = beliefs[slug];
        const box = make("div", { className: "belief" });
        const named = make("p", { className: "believed" }, make("strong", {}, words.believed), words.space, html("span", believed), words.space, make("a", { href: `model.html#${slug}` }, make("code", {}, slug)));
        const read = make("p", {}, words.read + words.space, make("a", { href: at }, title));
        box.append(named, make("p", { className: "fact" }, make("strong", {}, words.fact), words.space, html("span", fact)), read);
        return box;
    };

    const answer = (question, option, buttons, told, onward) => {
        if (told.hasChildNodes()) { return; }
        const isRight = option.gives === question.right;
        forgotten = undefined;
        record(question.key, isRight);
        draw();
        const right = question.options.find(({ gives }) => gives === question.right);
        const verdict = make("strong", {}, isRight ? words.right : words.wrong, words.space, outcome(right));
        buttons.forEach((made, n) => {
            const { gives, beliefs } = question.options[n];
            made.setAttribute("aria-disabled", "true");
            made.classList.add(gives === question.right ? "right" : "wrong");
            if (question.options[n] === option) { made.append(make("span", { className: "yours" }, words.yours)); }
            if (beliefs.length > 0) { made.after(make("span", { className: "fits" }, words.fits + words.space, ...beliefs.flatMap((slug, n) => [n > 0 ? ", " : "", make("a", { href: `model.html#${slug}` }, make("code", {}, slug))]))); }
        });
        told.className = isRight ? "told right" : "told wrong";
        told.append(make("p", { className: "verdict" }, verdict));
        told.append(...question.notes.map((note) => html("p", note)));
        if (isRight) { told.append(...question.rules.map((rule) => html("p", rules[rule]))); } else { told.append(...option.beliefs.map(belief)); }
        const scenario = question.lines.map(([line]) => line).join("\n") + `  => ${question.right}\n`;
        told.append(make("p", {}, make("a", { href: "simulator.html#s=" + encodeURIComponent(scenario.trim()) }, words.play)));
        told.append(make("details", {}, make("summary", {}, words.run), html("p", words.save), make("pre", {}, make("code", {}, scenario))));
        says.textContent = [verdict.textContent, ...[...told.querySelectorAll(":scope > p:not(.verdict), .believed, .fact")].map((text) => text.textContent)].join(" ");
        onward.hidden = false;
        onward.focus();
    };

    const ask = (question) => {
        draw();
        if (!question) { card.replaceChildren(make("p", { id: "drill-question", tabIndex: -1 }, words.done)); return; }
        const title = fill(words.question, { lesson: question.lesson, level: question.level }) + (boxOf(question)[0] >= 0 ? words.space + words.again : "");
        const heading = make("h3", { id: "drill-question", className: "number", tabIndex: -1 }, title);
        const last = question.lines.length - 1;
        const code = make("pre", {}, make("code", {}, question.lines.map(([line], n) => (n === last ? `${line}  => ?` : line)).join("\n")));
        const explained = make("details", {}, make("summary", {}, words.inWords), make("ol", {}, ...question.lines.map(([, text]) => make("li", {}, text))));
        const told = make("div", { className: "told" });
        const onward = button(words.next, () => { ask(next()); card.firstChild.focus(); }, { hidden: true, className: "onward" });
        const buttons = question.options.map((option) => button(outcome(option), () => answer(question, option, buttons, told, onward), { className: "answer-button" }));
        const options = make("ol", { className: "options", type: "a" }, ...buttons.map((made) => make("li", {}, made)));
        card.replaceChildren(heading, code, explained, make("p", {}, words.ask), options, told, onward);
    };

    // A letter chooses, as in `predict`, while the question has the focus.
    card.addEventListener("keydown", (event) => {
        if (event.ctrlKey || event.altKey || event.metaKey || event.key.length !== 1) { return; }
        card.querySelectorAll(".answer-button")[event.key.toLowerCase().charCodeAt(0) - 97]?.click();
    });

    // ---- The beginning ----

    const begin = () => {
        ({ questions, beliefs, rules } = window.workbook.drill);
        load();
        const { lessons } = window.workbook.drill;
        const choice = make("select", {}, make("option", { value: "" }, words.all));
        for (const number of [...new Set(questions.map((question) => question.lesson))].sort()) {
            choice.append(make("option", { value: number }, fill(words.lesson, { number, title: lessons[number] })));
        }
        choice.addEventListener("change", () => { lesson = choice.value; ask(next()); });
        const status = make("p", { className: "remembered" }, score, " ", forget);
        place.replaceChildren(make("p", { className: "choice" }, make("label", {}, make("span", {}, words.choose), " ", choice)), status, card, says);
        ask(next());
        card.firstChild.focus();
    };

    const start = button(words.load, () => {
        const script = make("script", { src: "drill-questions.js" });
        script.addEventListener("load", begin);
        script.addEventListener("error", () => { place.replaceChildren(make("p", {}, words.fails)); });
        document.head.append(script);
        start.disabled = true;
    });
    place.replaceChildren(make("p", {}, start));
})();
