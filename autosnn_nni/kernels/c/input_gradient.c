/* Gradient of the inputs of a convolution that are near their threshold. The others' is 0. */

/* Add the products of a kernel's and the gradient's rows: in vectors, and what does not fill one. */
INLINE void NAME(dot)(const REAL *kernel, const REAL *gradient, int count, Vector *sum, REAL *rest) {
  int i = 0;
  for (; i + LANES <= count; i += LANES) *sum += *(const Vector *)(kernel + i) * *(const Vector *)(gradient + i);
  for (; i < count; i++) *rest += kernel[i] * gradient[i];
}

/* Gradient of the inputs of images [first, last), for stride 1 and without groups. Two channels at a time
   read each row of the gradient once. */
void NAME(input_gradient)(const Convolution *c, const uint8_t *near, const REAL *gradient, const REAL *weights, REAL *out, int64_t first, int64_t last) {
  int64_t pixels = (int64_t)c->height * c->width, size = (int64_t)c->kernel_height * c->kernel_width * c->outputs;
  int64_t row = (int64_t)c->kernel_width * c->outputs, out_row = (int64_t)c->out_width * c->outputs;
  int32_t *list = new_list(1, c->channels);
  for (int64_t image = first; image < last; image++) {
    const REAL *from = gradient + image * c->out_height * out_row;
    for (int y = 0; y < c->height; y++)
      for (int x = 0; x < c->width; x++) {
        int64_t pixel = image * pixels + y * c->width + x;
        int n = list_spikes(near + pixel * BYTES(c->channels), 1, BYTES(c->channels), list, NULL, 0);
        REAL *to = out + pixel * c->channels;
        memset(to, 0, c->channels * sizeof(REAL));
        int y0, y1, x0, x1, left = x + c->left - (c->kernel_width - 1);
        reach(y, c->top, c->kernel_height, c->out_height, &y0, &y1);
        reach(x, c->left, c->kernel_width, c->out_width, &x0, &x1);
        const REAL *corner = weights + (y + c->top - y0) * row + (x0 - left) * c->outputs;
        list[n] = list[n - (n > 0)];  /* of an odd number the last one twice */
        for (int i = 0; i < n; i += 2) {
          const REAL *a = corner + list[i] * size, *b = corner + list[i + 1] * size, *g = from + y0 * out_row + x0 * c->outputs;
          Vector sums[2] = {{0}, {0}};
          REAL rests[2] = {0, 0};
          for (int oy = y0; oy <= y1; oy++, a -= row, b -= row, g += out_row) {
            NAME(dot)(a, g, (x1 - x0 + 1) * c->outputs, &sums[0], &rests[0]);
            NAME(dot)(b, g, (x1 - x0 + 1) * c->outputs, &sums[1], &rests[1]);
          }
          for (int j = 0; j < LANES; j++) rests[0] += sums[0][j], rests[1] += sums[1][j];
          to[list[i]] = rests[0];
          to[list[i + 1]] = rests[1];
        }
      }
  }
  free(list);
}
