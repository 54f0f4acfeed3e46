// The page's words in English and Korean; the browser's language chooses. Placeholders are {names}.
// @ts-check

/** @type {Record<string, Record<string, string>>} */
const TEXTS = {
  en: {
    title: "Sort",
    progress: "Share of photos that are decided",
    what: "What does the photo show?",
    question: "Which expression is in the photo?",
    guess: "A guess stands first. The search found it; only you can say what it shows.",
    out: "Throw out",
    later: "Decide later",
    undo: "Undo",
    undoing: "Undo “{what}”",
    thrown: "thrown out",
    groups: "Groups",
    new: "Another class",
    add: "Use",
    left: "{n} to decide",
    done: "Nothing left to decide.",
    next: "What you chose lies in its class folders. Next: mien audit, then mien train.",
    untitled: "Photo without a title",
    by: "by {name}",
    found: "found by “{words}”",
    from: "from {words}",
    page: "where it is from",
    silent: "The server does not answer: start 'mien sort' again.",
    lost: "The last decision was not kept.",
    unseen: "This photo cannot be shown: decide later, or throw it out.",
  },
  ko: {
    title: "고르기",
    progress: "결정한 사진의 비율",
    what: "이 사진은 무엇을 보여 주나요?",
    question: "사진 속 표정은 무엇인가요?",
    guess: "맨 위는 추측입니다. 검색이 찾은 것일 뿐, 무엇을 보여 주는지는 사람만 말할 수 있습니다.",
    out: "버리기",
    later: "나중에 결정",
    undo: "되돌리기",
    undoing: "“{what}” 되돌리기",
    thrown: "버림",
    groups: "집단",
    new: "다른 클래스",
    add: "사용",
    left: "{n}장 남음",
    done: "결정할 사진이 없습니다.",
    next: "고른 사진은 클래스 폴더에 있습니다. 다음: mien audit, 그리고 mien train.",
    untitled: "제목 없는 사진",
    by: "{name} 님의 사진",
    found: "검색어: “{words}”",
    from: "가져온 곳: {words}",
    page: "출처 보기",
    silent: "서버가 응답하지 않습니다. 'mien sort'를 다시 시작하세요.",
    lost: "마지막 결정이 저장되지 않았습니다.",
    unseen: "이 사진은 표시할 수 없습니다. 나중에 결정하거나 버리세요.",
  },
};

export const language = navigator.language.toLowerCase().startsWith("ko") ? "ko" : "en";

/** @param {string} key @param {Record<string, string|number>} [values] @returns {string} */
export function text(key, values = {}) {
  return TEXTS[language][key].replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}

/** Put the words into every element that asks for them. */
export function fill() {
  document.documentElement.lang = language;
  document.title = `${text("title")} · mien`;
  for (const element of document.querySelectorAll("[data-text]")) {
    element.textContent = text(/** @type {HTMLElement} */ (element).dataset.text ?? "");
  }
  for (const element of document.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", text(/** @type {HTMLElement} */ (element).dataset.label ?? ""));
  }
}
