#include "CPage.h"

#if !defined(__has_embed)
#error "the compiler does not know #embed; Swift 6.2's clang does"
#endif

#pragma clang diagnostic ignored "-Wc23-extensions"

static const uint8_t chart_js[] = {
#embed "page/chart.js"
};
static const uint8_t charts_css[] = {
#embed "page/charts.css"
};
static const uint8_t compare_js[] = {
#embed "page/compare.js"
};
static const uint8_t curves_js[] = {
#embed "page/curves.js"
};
static const uint8_t dom_js[] = {
#embed "page/dom.js"
};
static const uint8_t examples_js[] = {
#embed "page/examples.js"
};
static const uint8_t export_js[] = {
#embed "page/export.js"
};
static const uint8_t filter_js[] = {
#embed "page/filter.js"
};
static const uint8_t format_js[] = {
#embed "page/format.js"
};
static const uint8_t grid_js[] = {
#embed "page/grid.js"
};
static const uint8_t head_js[] = {
#embed "page/head.js"
};
static const uint8_t index_html[] = {
#embed "page/index.html"
};
static const uint8_t list_js[] = {
#embed "page/list.js"
};
static const uint8_t main_js[] = {
#embed "page/main.js"
};
static const uint8_t metrics_js[] = {
#embed "page/metrics.js"
};
static const uint8_t panels_js[] = {
#embed "page/panels.js"
};
static const uint8_t pointer_js[] = {
#embed "page/pointer.js"
};
static const uint8_t ranks_js[] = {
#embed "page/ranks.js"
};
static const uint8_t results_js[] = {
#embed "page/results.js"
};
static const uint8_t scale_js[] = {
#embed "page/scale.js"
};
static const uint8_t series_js[] = {
#embed "page/series.js"
};
static const uint8_t server_js[] = {
#embed "page/server.js"
};
static const uint8_t store_js[] = {
#embed "page/store.js"
};
static const uint8_t style_css[] = {
#embed "page/style.css"
};
static const uint8_t swatch_js[] = {
#embed "page/swatch.js"
};
static const uint8_t table_js[] = {
#embed "page/table.js"
};
static const uint8_t ticks_js[] = {
#embed "page/ticks.js"
};
static const uint8_t view_js[] = {
#embed "page/view.js"
};

static const PageFile files[] = {
    {"chart.js", chart_js, sizeof chart_js},
    {"charts.css", charts_css, sizeof charts_css},
    {"compare.js", compare_js, sizeof compare_js},
    {"curves.js", curves_js, sizeof curves_js},
    {"dom.js", dom_js, sizeof dom_js},
    {"examples.js", examples_js, sizeof examples_js},
    {"export.js", export_js, sizeof export_js},
    {"filter.js", filter_js, sizeof filter_js},
    {"format.js", format_js, sizeof format_js},
    {"grid.js", grid_js, sizeof grid_js},
    {"head.js", head_js, sizeof head_js},
    {"index.html", index_html, sizeof index_html},
    {"list.js", list_js, sizeof list_js},
    {"main.js", main_js, sizeof main_js},
    {"metrics.js", metrics_js, sizeof metrics_js},
    {"panels.js", panels_js, sizeof panels_js},
    {"pointer.js", pointer_js, sizeof pointer_js},
    {"ranks.js", ranks_js, sizeof ranks_js},
    {"results.js", results_js, sizeof results_js},
    {"scale.js", scale_js, sizeof scale_js},
    {"series.js", series_js, sizeof series_js},
    {"server.js", server_js, sizeof server_js},
    {"store.js", store_js, sizeof store_js},
    {"style.css", style_css, sizeof style_css},
    {"swatch.js", swatch_js, sizeof swatch_js},
    {"table.js", table_js, sizeof table_js},
    {"ticks.js", ticks_js, sizeof ticks_js},
    {"view.js", view_js, sizeof view_js},
};

size_t page_file_count(void) { return sizeof files / sizeof *files; }

PageFile page_file(size_t number) { return files[number]; }
