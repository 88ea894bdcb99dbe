export { progressBar, ProgressBar, type ProgressBarOptions } from './progress-bar';
export { sliders, Sliders, type SliderRange } from './sliders';
