import { nssSoftokn } from '../targets.ts';
import { testConformance } from './conforms.ts';

testConformance('NSS softokn', nssSoftokn);
