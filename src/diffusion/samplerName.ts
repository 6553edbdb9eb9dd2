/** The samplers there are. */
export type SamplerName = 'ddim' | 'euler' | 'euler_ancestral' | 'dpmpp_2m_karras' | 'unipc';
