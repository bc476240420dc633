/* Share the work of a kernel among threads. Its last two arguments are the part of the work that it is
   to do; all are integers or pointers, a word each. */

#include <stdint.h>

typedef int64_t Word;

typedef struct {
  void *kernel;
  const Word *arguments;
  Word arity, count, parts, next;
} Call;

static void call_part(void *shared) {
  Call *call = shared;
  Word part = __atomic_fetch_add(&call->next, 1, __ATOMIC_RELAXED);
  if (part >= call->parts) return;
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

/* Do `parts` parts of a kernel's work [0, count). `start` is OpenMP's GOMP_parallel: it calls a function
   on so many threads and waits for them. */
void share(void (*start)(void (*)(void *), void *, unsigned, unsigned), void *kernel, const Word *arguments, Word arity, Word count, Word parts) {
  Call call = {kernel, arguments, arity, count, parts, 0};
  if (parts > 1) start(call_part, &call, parts, 0);
  else call_part(&call);
}
