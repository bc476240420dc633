/* Share the work of a kernel among threads. Its last two arguments are the part of the work that it is
   to do; all are integers or pointers, a word each. */

#include <stdint.h>

typedef int64_t Word;

/* Parts for each thread: if one is slow, as its core has other work, the others do more of them. */
enum { PARTS = 8 };

typedef struct {
  void *kernel;
  const Word *arguments;
  Word arity, count, parts, next;
} Call;

static void call_part(const Call *call, Word part) {
  Word first = call->count * part / call->parts, last = call->count * (part + 1) / call->parts;
  const Word *a = call->arguments;
  void *kernel = call->kernel;
  switch (call->arity) {
#define WORDS(...) ((void (*)(__VA_ARGS__))kernel)
    case 3: WORDS(Word, Word, Word, Word, Word)(a[0], a[1], a[2], first, last); break;
    case 4: WORDS(Word, Word, Word, Word, Word, Word)(a[0], a[1], a[2], a[3], first, last); break;
    case 5: WORDS(Word, Word, Word, Word, Word, Word, Word)(a[0], a[1], a[2], a[3], a[4], first, last); break;
    case 6: WORDS(Word, Word, Word, Word, Word, Word, Word, Word)(a[0], a[1], a[2], a[3], a[4], a[5], first, last); break;
    case 7: WORDS(Word, Word, Word, Word, Word, Word, Word, Word, Word)(a[0], a[1], a[2], a[3], a[4], a[5], a[6], first, last); break;
#undef WORDS
  }
}

static void call_parts(void *shared) {
  Call *call = shared;
  for (;;) {
    Word part = __atomic_fetch_add(&call->next, 1, __ATOMIC_RELAXED);
    if (part >= call->parts) return;
    call_part(call, part);
  }
}

/* Do a kernel's work [0, count) on so many threads. `start` is OpenMP's GOMP_parallel: it calls a function
   on each of them and waits for them. */
void share(void (*start)(void (*)(void *), void *, unsigned, unsigned), void *kernel, const Word *arguments, Word arity, Word count, Word threads) {
  Call call = {kernel, arguments, arity, count, 1, 0};
  if (threads > 1) {
    call.parts = PARTS * threads < count ? PARTS * threads : count;
    start(call_parts, &call, threads, 0);
  } else call_parts(&call);
}
