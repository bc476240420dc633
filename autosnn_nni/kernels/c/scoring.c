/* Convolution, batch norm and neurons in one: for scoring, where no gradient needs the currents. Those
   of one image stay in the processor's cache. */

/* One timestep of an image. `potential` is [pixels in blocks, channels in groups]. */
INLINE void NAME(step_image)(const Neurons *n, const Current *currents, const uint8_t *shortcut, Group *potential, uint8_t *spikes, int t, int count) {
#define STEP(block)                                                                                   \
  NAME(step)(n, currents, shortcut, potential, spikes, NULL, block, t, PLACE(n, block, 0), byte_of(n, block, 0), block.lanes, count), \
  potential += BLOCK
  FOR_BLOCKS(n, STEP)
#undef STEP
}

/* Spikes of samples [first, last) at all timesteps. At most two sources. */
void NAME(respond)(const Neurons *n, const Source *sources, const uint8_t *shortcut, uint8_t *spikes, int64_t first, int64_t last) {
  int64_t size = (int64_t)n->pixels * n->channels, bytes = (int64_t)n->pixels * BYTES(n->channels);
  int64_t groups = (n->pixels + BLOCK - 1) / BLOCK * ((n->channels + GROUP - 1) / GROUP) * BLOCK;
  Group *potential = aligned_alloc(64, groups * sizeof(Group));
  Current currents[2];
  Lists lists[2];
  for (int i = 0; i < n->currents; i++) {
    currents[i] = (Current){malloc(size * sizeof(REAL)), 0, 0, sources[i].scale, sources[i].shift, NULL, NULL};
    lists[i] = new_lists(&sources[i].shape);
  }
  for (int64_t sample = first; sample < last; sample++) {
    memset(potential, 0, groups * sizeof(Group));
    for (int t = 0; t < n->timesteps; t++) {
      int64_t image = image_of(n, t, sample);
      for (int i = 0; i < n->currents; i++) {
        const Convolution *c = &sources[i].shape;
        const uint8_t *bits = sources[i].bits + image * c->height * c->width * BYTES(c->channels);
        NAME(convolve_image)(c, sources[i].way, bits, sources[i].weights, (REAL *)currents[i].x, lists[i]);
      }
      const uint8_t *skipped = shortcut ? shortcut + image * bytes : NULL;
      uint8_t *to = spikes + image * bytes;
      if (n->currents == 1) NAME(step_image)(n, currents, skipped, potential, to, t, 1);
      else NAME(step_image)(n, currents, skipped, potential, to, t, 2);
    }
  }
  for (int i = 0; i < n->currents; i++) {
    free((void *)currents[i].x);
    free_lists(lists[i]);
  }
  free(potential);
}
